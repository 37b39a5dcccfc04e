"""Where the Inception network's weights come from, with a small file in their place."""

import hashlib

import pytest

from gan_jax.metrics.inception import from_torch, weights
from gan_jax.usage import UsageError


@pytest.fixture
def served(tmp_path, monkeypatch):
    """The file behind the URL, whose SHA-256 is the expected one; the cache is empty."""
    file = tmp_path / 'served.pth'
    file.write_bytes(b'weights' * 300_000)
    monkeypatch.setattr(weights, 'URL', file.as_uri())
    monkeypatch.setattr(weights, 'SHA256', hashlib.sha256(file.read_bytes()).hexdigest())
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return file


def test_weights_are_fetched_once(served):
    found = weights.find_weights()
    assert found.read_bytes() == served.read_bytes()
    assert [file.name for file in found.parent.iterdir()] == [weights.NAME]
    served.unlink()
    assert weights.find_weights() == found


def test_a_given_file_is_taken_and_nothing_is_fetched(served, tmp_path):
    assert weights.find_weights(str(served)) == served
    assert not (tmp_path / 'cache').exists()


def test_other_files_than_the_expected_are_refused(served, tmp_path):
    other = tmp_path / 'other.pth'
    other.write_bytes(b'other')
    with pytest.raises(UsageError, match=f'other.pth.* is not {weights.NAME}: its SHA-256 begins'):
        weights.find_weights(str(other))
    served.write_bytes(b'cut short')
    with pytest.raises(UsageError, match='is not'):
        weights.find_weights()
    assert not list((tmp_path / 'cache' / 'gan_jax').iterdir())


def test_without_a_network_it_says_where_the_file_belongs(served, tmp_path):
    served.unlink()
    with pytest.raises(UsageError, match='cannot be fetched .* and put it into .*gan_jax'):
        weights.find_weights()
    assert not list((tmp_path / 'cache' / 'gan_jax').iterdir())
    with pytest.raises(UsageError, match='no weights .*missing.pth'):
        weights.find_weights(str(tmp_path / 'missing.pth'))


def test_weights_that_lack_an_array_are_refused():
    with pytest.raises(UsageError, match='the weights have no .*Conv2d_1a_3x3'):
        from_torch({})
