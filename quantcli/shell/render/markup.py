"""HTML and SVG elements: text is escaped by construction.

A plain string among the children is text, never markup; only constants of the program may be
declared Markup by hand.
"""

from __future__ import annotations

from html import escape


class Markup(str):
    """A piece of HTML whose text is escaped already."""

    __slots__ = ()


#: HTML elements without an end tag; in SVG every element has one.
_VOID = frozenset({"meta"})


def tag(element: str, /, *children: str, **attributes: str) -> Markup:
    """Return an element.

    Args:
        element: The element's name.
        children: Text, which is escaped, or Markup, which is kept.
        attributes: Values are escaped; `class_` stands for class, underscores for hyphens.
    """
    spelled = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value, quote=True)}"'
        for key, value in attributes.items()
    )
    if element in _VOID:
        return Markup(f"<{element}{spelled}>")
    return Markup(f"<{element}{spelled}>{joined(*children)}</{element}>")


def joined(*children: str) -> Markup:
    """Return children side by side: text escaped, Markup kept."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else escape(child, quote=True) for child in children
        )
    )
