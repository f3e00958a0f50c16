"""Every exception that cifarzoo raises on purpose.

CifarZooError
├── UnknownModelError (KeyError)     no model or weights of that name
├── SettingError (ValueError)        an argument outside what is legal
├── RecipeError (ValueError)         a training recipe that is unknown or cannot be run
├── DataError (RuntimeError)         a data set that cannot be read
│   ├── NotFoundError                no data set where it was looked for
│   └── IntegrityError               bytes that differ from what their hash promises
├── DownloadError (RuntimeError)     a file that could not be fetched
├── DivergedError (RuntimeError)     a loss that is no longer finite
├── ResumeError (RuntimeError)       a run that cannot be continued
└── LostProcessError (RuntimeError)  one of several processes that train together is gone

Each message names the value, the rule and the remedy. The command line prints it as one line and exits with code 2,
or 1 for LostProcessError, which is nobody's mistake.
"""


class CifarZooError(Exception):
    """Root of the tree: catch this to catch everything that cifarzoo raises on purpose."""


class UnknownModelError(CifarZooError, KeyError):
    """No model of that name is registered."""

    def __str__(self) -> str:
        # KeyError would print the repr of the message, quotes included.
        return Exception.__str__(self)


class SettingError(CifarZooError, ValueError):
    """An argument is outside what is legal."""


class RecipeError(CifarZooError, ValueError):
    """A training recipe cannot be run as written."""


class DataError(CifarZooError, RuntimeError):
    """A data set cannot be read."""


class NotFoundError(DataError):
    """There is no data set where it was looked for."""


class IntegrityError(DataError):
    """Bytes differ from what their hash or header promises."""


class DownloadError(CifarZooError, RuntimeError):
    """A file could not be fetched."""


class DivergedError(CifarZooError, RuntimeError):
    """The loss or the weights are no longer finite."""


class ResumeError(CifarZooError, RuntimeError):
    """A run cannot be continued with what was asked for."""


class LostProcessError(CifarZooError, RuntimeError):
    """Another of the processes that train together has ended, or does not answer."""
