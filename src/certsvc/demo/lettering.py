"""What is written where a terminal or file cannot hold the marks of the demo."""

import codecs

HANDLER = "certsvc.demo"
PLAIN = str.maketrans(
    {
        "▓": "=",
        "░": "-",
        "▒": "~",
        "‖": "|",
        "·": ".",
        "┊": ":",
        "○": "o",
        "●": "*",
        "“": '"',
        "”": '"',
        "…": "...",
        "─": "-",
        "━": "-",
        **dict(zip("▁▂▃▄▅▆▇", "1234567", strict=True)),
        "█": "#",
    }
)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(PLAIN)
    return "".join(letter if letter.isascii() else "?" for letter in text), error.end


def register() -> str:
    """The name under which an output takes these letters for those it does not have."""
    codecs.register_error(HANDLER, _plainly)
    return HANDLER
