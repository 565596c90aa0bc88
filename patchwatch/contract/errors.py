"""Every error Patchwatch raises on purpose, branched by what the caller should do.

A message says what is wrong, where, and which command or setting corrects it. It never holds a credential.
"""

from __future__ import annotations

EXIT_MAY_PASS = 1  # exit codes of the command line; 1 is also what an unforeseen exception leaves
EXIT_STAYS = 2


class PatchwatchError(Exception):
    """Root of all errors raised on purpose. ``code`` is stable and machine-readable (API problem type)."""

    code = "error"


class RetryableError(PatchwatchError):
    """The same call may succeed later: wait and try again."""

    code = "unavailable"


class RejectedError(PatchwatchError):
    """This input is wrong and stays wrong: reject it, go on with the next."""

    code = "invalid"


class OverloadedError(PatchwatchError):
    """A bounded queue is full: slow down or drop, and count the drop."""

    code = "overloaded"


class FatalError(PatchwatchError):
    """The process cannot do its work: stop with this message."""

    code = "fatal"


class StoppedError(PatchwatchError):
    """It was asked to stop before it had started: nothing is wrong."""

    code = "stopped"


class BusUnavailableError(RetryableError):
    """Redis cannot be reached or refuses."""

    code = "bus-unavailable"


class ContentionError(BusUnavailableError):
    """Other clients change the same records all the time, so that a transaction never got through."""

    code = "unavailable"


class BusRefusedError(BusUnavailableError):
    """Redis answers, but will not do what Patchwatch needs until its settings or ours change: a wrong password, a user
    without the rights, a database that is not there."""

    code = "bus-refused"


class BusFullError(BusUnavailableError):
    """Redis has reached its ``maxmemory`` and takes no writes until memory is freed."""

    code = "bus-full"


class StorageError(RetryableError):
    """A file cannot be written: no room, or no right to."""

    code = "storage"


class SourceUnavailableError(RetryableError):
    """A video source cannot be opened or stopped delivering, for a reason that may pass.

    ``reason`` is one of the words of `messages.capture_status.Reason`.
    """

    code = "source-unavailable"

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class SourceRejectedError(RejectedError):
    """A video source that will not work until its configuration changes (wrong password, no video, bad scheme)."""

    code = "source-rejected"

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class InvalidMessageError(RejectedError):
    """Bytes in the queue that are not a message of a known version."""

    code = "invalid-message"


class NewerMessageError(InvalidMessageError):
    """A message of a version that only a later Patchwatch knows."""


class DestinationForbiddenError(RejectedError):
    """A webhook's host has no address that webhooks may be sent to."""

    code = "destination-forbidden"


class NotFoundError(RejectedError):
    """A named thing does not exist."""

    code = "not-found"


class ConflictError(RejectedError):
    """The thing already exists, or its state forbids this."""

    code = "conflict"


class UnreadableRecordError(ConflictError):
    """What a person said is stored, and cannot be read: it must be neither taken for nothing nor written over."""

    code = "unreadable-record"


class InsufficientFootageError(RejectedError):
    """Too little normal footage to learn from or to calibrate on."""

    code = "insufficient-footage"


class BankMismatchError(RejectedError):
    """A bank is truncated, of another version, or was built with other weights or preprocessing."""

    code = "bank-mismatch"


class StretchError(RejectedError):
    """A stretch of a camera's memory of normal is damaged or of another version."""

    code = "stretch"


class NonFiniteScoreError(RejectedError):
    """A score came out as NaN or infinity: rejected and counted, never smoothed or published."""

    code = "non-finite-score"


class WeightsMissingError(FatalError):
    """A network's weights are not on this machine and were not asked to be random."""

    code = "weights-missing"


class ConfigurationError(FatalError):
    """A setting is wrong or an extra is not installed."""

    code = "configuration"


class PortTakenError(FatalError):
    """Another process listens on a port that Patchwatch is configured to use."""

    code = "port-taken"


class LeaseLostError(FatalError):
    """Another worker owns this partition now: stop writing to it."""

    code = "lease-lost"


class LeaseLapsedError(LeaseLostError):
    """The lease expired, but nobody has taken it: its owner may get it back."""
