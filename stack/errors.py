"""What the stack refuses or cannot do, in one line that says what to do about it."""


class StackError(Exception):
    """A stack could not be brought where it was asked to be."""


class SettingError(StackError):
    """A knob, fault or stack name that does not exist, or a value that it cannot take."""
