"""Errors for people: one line that says what is wrong and names the nearest right thing."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class UsageError(Exception):
    """A mistake its user can mend; `main.py` prints it as one line and exits with code 2."""


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's message, or its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns a hint for an unknown name: the nearest known one, then all of them."""
    known = sorted(known)
    if not known:
        return 'there is none to give'
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f'did you mean {close[0]!r}? ' if close else ''
    return f'{hint}known: {", ".join(known)}'


def choose(what: str, name: str, choices: Mapping[str, Any]) -> Any:
    """Returns `choices[name]`, or raises UsageError with the nearest known name."""
    if name not in choices:
        raise UsageError(f'unknown {what} {name!r}; {nearest(name, choices)}')
    return choices[name]


def make(what: str, fields: Mapping[str, Any], choices: Mapping[str, Callable]) -> Any:
    """Returns `choices[fields['name']]` called with the other fields that are not zero or empty.

    Raises:
      UsageError: no such name, or one that does not take such a field.
    """
    name = fields['name']
    options = {key: value for key, value in fields.items() if value and key != 'name'}
    return call(f'{what} {name!r}', choose(what, name, choices), **options)


def call(what: str, function: Callable, **arguments: Any) -> Any:
    """Calls `function`, or raises UsageError where it has no such argument or lacks one."""
    signature = inspect.signature(function)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        parameters = [name for name in signature.parameters if name not in ('parent', 'name')]
        unknown = [name for name in arguments if name not in parameters]
        if unknown:
            message = f'no argument {unknown[0]!r}; {nearest(unknown[0], parameters)}'
            raise UsageError(f'{what}: {message}') from None
        raise UsageError(f'{what}: {error}') from None
    return function(**arguments)
