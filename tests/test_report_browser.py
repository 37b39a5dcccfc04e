"""The report in a real browser: what it loads, shows, and does for a mouse, a finger and keys."""

import shutil

import pytest

from gan_jax.analysis import write_report

webdriver = pytest.importorskip('selenium.webdriver', reason='no selenium')
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('chrome')
DRIVER = shutil.which('chromedriver')
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason='no Chromium with its driver')

# Everything that the Tab key can stop at.
CONTROLS = 'a[href], input, summary, button, select, textarea, [tabindex]'


@pytest.fixture(scope='module')
def page(finished, tmp_path_factory):
    """The address of the report of a finished run."""
    file = tmp_path_factory.mktemp('page') / 'report.html'
    return write_report([str(finished)], str(file)).as_uri()


@pytest.fixture(scope='module')
def chromium():
    """One browser for all tests."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage'):
        options.add_argument(argument)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    service = webdriver.ChromeService(DRIVER)
    driver = webdriver.Chrome(options, service)
    yield driver
    driver.quit()


@pytest.fixture
def show(chromium, page):
    """Opens the report at a width, light or dark; returns the browser."""

    def opened(width: int = 1200, scheme: str = 'light'):
        features = [{'name': 'prefers-color-scheme', 'value': scheme}]
        chromium.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': features})
        size = dict(width=width, height=800, deviceScaleFactor=1, mobile=False)
        chromium.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', size)
        chromium.get(page)
        return chromium

    return opened


def press(driver, key: str) -> None:
    webdriver.ActionChains(driver).send_keys(key).perform()


def test_it_loads_nothing_but_itself_and_says_no_error(show, page):
    show().get_log('performance')  # of an earlier page
    driver = show()
    requests = [entry['message'] for entry in driver.get_log('performance')]
    sent = [text for text in requests if '"Network.requestWillBeSent"' in text]
    assert sent and all('"url":"data:' in text or page in text for text in sent)
    assert driver.get_log('browser') == []


def test_every_picture_is_one_and_says_what_it_shows(show):
    driver = show()
    sizes = driver.execute_script(
        'return [...document.images].map(i => [i.naturalWidth, i.alt.length])'
    )
    assert len(sizes) >= 9 and min(map(min, sizes)) > 0
    charts = driver.execute_script(
        "return [...document.querySelectorAll('svg')].map(s => s.getAttribute('aria-label'))"
    )
    assert len(charts) >= 10 and all(charts)


def test_arrow_keys_move_the_picture_through_training(show):
    driver = show()
    keys = webdriver.Keys
    picture, slider, output = (
        driver.find_element('css selector', f'.through {tag}') for tag in ('img', 'input', 'output')
    )
    driver.execute_script('arguments[0].focus()', slider)
    last = picture.get_attribute('src'), output.text
    assert last[1] == 'step 300'
    press(driver, keys.ARROW_LEFT)
    before = picture.get_attribute('src'), output.text
    assert before[1] == 'step 200' and before[0] != last[0]
    assert picture.get_attribute('alt').endswith('step 200')
    press(driver, keys.HOME)
    assert output.text == 'step 100'
    press(driver, keys.END)
    assert (picture.get_attribute('src'), output.text) == last


def test_the_slider_has_its_label(show):
    driver = show()
    labels = driver.execute_script(
        "return [...document.querySelector('input').labels].map(l => l.textContent)"
    )
    assert 'Through training' in labels[0]


@pytest.mark.parametrize('width', [360, 700, 1200])
@pytest.mark.parametrize('folded', [True, False])
def test_nothing_is_wider_than_the_screen(show, width, folded):
    driver = show(width)
    if not folded:
        driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert driver.execute_script('return document.documentElement.scrollWidth') <= width


def test_the_dark_page_is_dark_and_its_words_stand_out(show):
    seen = {}
    for scheme in ('light', 'dark'):
        style = 'const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]'
        seen[scheme] = show(scheme=scheme).execute_script(style)
    (paper, ink), (dark_paper, dark_ink) = (
        [sum(map(int, colour[4:-1].split(','))) for colour in colours] for colours in seen.values()
    )
    assert dark_paper < 150 < 600 < paper
    assert ink < 150 < 600 < dark_ink


def test_the_tab_key_reaches_every_control_in_their_order(show):
    driver = show()
    controls = driver.execute_script(f"return [...document.querySelectorAll('{CONTROLS}')].length")
    place = f"return [...document.querySelectorAll('{CONTROLS}')].indexOf(document.activeElement)"
    reached = []
    for _ in range(controls):
        press(driver, webdriver.Keys.TAB)
        reached.append(driver.execute_script(place))
    assert reached == list(range(controls)) and controls > 10


def test_headings_are_in_order(show):
    levels = show().execute_script(
        "return [...document.querySelectorAll('h1, h2, h3, h4')].map(h => +h.tagName[1])"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))


def test_on_paper_there_are_no_controls_and_no_darkness(show):
    driver = show()
    dark = [{'name': 'prefers-color-scheme', 'value': 'dark'}]
    driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'media': 'print', 'features': dark})
    ink = driver.execute_script('return getComputedStyle(document.body).color')
    displayed = driver.execute_script(
        "return ['nav', '.through input', '.through img']"
        '.map(s => getComputedStyle(document.querySelector(s)).display)'
    )
    driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'media': ''})
    assert sum(map(int, ink[4:-1].split(','))) < 150
    assert displayed == ['none', 'none', 'block']
