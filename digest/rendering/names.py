"""The names a template may use, block by block, and the check that it uses no others.

A template is read top to bottom: what stands before `{% block lead %}` is the opening, what stands after the
last block is the closing. Control flow between blocks is Digest's own, so that blocks can be joined anew for
each rendition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.meta import find_undeclared_variables

from digest.errors import TemplateError
from digest.rendering.colours import Colours
from digest.rendering.content import ArticleContent, Personal, SectionContent, SiteContent, SponsorContent
from digest.rendering.context import IssueView, NewsletterView, ThemeView
from digest.rendering.mail_content import OWN_MAILS
from digest.rendering.note import NoteView
from digest.rendering.partials import HOW_TO_INCLUDE
from digest.rendering.phrases import SPEAKING, check_phrases, spoken_slot
from digest.rendering.source import Source

BLOCKS = ("lead", "section", "card")
"""The blocks every template has, in this order."""
SLOTS = (*(field.name for field in fields(Personal)), "preheader")
"""Names that stand for a value put in later: they can only be written out as they are, alone or in a message."""

_SHAPES: dict[str, type] = {
    "site": SiteContent,
    "newsletter": NewsletterView,
    "issue": IssueView,
    "colours": Colours,
    "theme": ThemeView,
    "note": NoteView,
    "sponsor": SponsorContent,
    "article": ArticleContent,
    "section": SectionContent,
}
_EVERYWHERE = frozenset(
    {"site", "newsletter", "issue", "colours", "theme", "note", "sponsor", "lang", "dir", "start", "end", *SPEAKING, *SLOTS}
)
_WITHIN = {"lead": frozenset({"article"}), "card": frozenset({"article"}), "section": frozenset({"section"})}
_IN_OWN_MAILS = frozenset({"site", "colours", "theme", "lang", "dir", "start", "end", "mail", *SPEAKING})
_OTHER_FILES = (nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)
_CAPTURES = (nodes.FilterBlock, nodes.CallBlock, nodes.AssignBlock, nodes.Macro)


def check_names(source: Source, environment: Environment, name: str = "") -> None:
    """Raise a TemplateError that names file and line for the first mistake in the Jinja of the template called so."""
    tree = _parse(source, environment)
    _check_tags(source, tree)
    if name in OWN_MAILS:
        _check_own_mail(source, tree, _SHAPES | {"mail": OWN_MAILS[name]})
        return
    _check_blocks(source, tree)
    for block in tree.find_all(nodes.Block):
        _check_scope(source, _scope(block.body, environment), _EVERYWHERE | _WITHIN[block.name], f"block {block.name}")
    around = [node for node in tree.body if not isinstance(node, nodes.Block)]
    _check_scope(source, _scope(around, environment), _EVERYWHERE, "opening and closing")
    _check_slots(source, tree, written=True)
    check_phrases(source, tree)


def _error(source: Source, node: nodes.Node, what: str) -> TemplateError:
    return TemplateError(f"{source.place(node.lineno)}: {what}")


def _parse(source: Source, environment: Environment) -> nodes.Template:
    try:
        environment.compile(source.text)
        return environment.parse(source.text)
    except TemplateSyntaxError as error:
        raise TemplateError(f"{source.place(error.lineno)}: {error.message}") from error
    except (RecursionError, MemoryError, OverflowError) as error:
        raise TemplateError(f"{source.file}: Jinja cannot read it: look for deep nesting and for large numbers") from error


def _check_tags(source: Source, tree: nodes.Template) -> None:
    for other in tree.find_all(_OTHER_FILES):
        raise _error(
            source,
            other,
            "a template cannot extend or import another; a partial is included on a line of its own, " + HOW_TO_INCLUDE,
        )
    for name in tree.find_all(nodes.Name):
        if name.name == "self":
            raise _error(source, name, "a block cannot be written by `self`: put what stands twice into a partial")
    for modifier in tree.find_all(nodes.EvalContextModifier):
        raise _error(source, modifier, "escaping cannot be switched off")


def _check_blocks(source: Source, tree: nodes.Template) -> None:
    found = list(tree.find_all(nodes.Block))
    for block in found:
        if block not in tree.body:
            raise _error(source, block, f"block {block.name} stands inside another tag: blocks stand side by side")
    names = tuple(block.name for block in found)
    if names != BLOCKS:
        where = found[0].lineno if found else 1
        had = ", ".join(names) or "none"
        raise TemplateError(
            f"{source.place(where)}: a template has the blocks {', '.join(BLOCKS)}, once each in this order; this one has {had}"
        )


def _check_own_mail(source: Source, tree: nodes.Template, shapes: Mapping[str, type]) -> None:
    for block in tree.find_all(nodes.Block):
        raise _error(source, block, "this is a mail of Digest's own: it has no articles, and so no blocks")
    _check_scope(source, tree, _IN_OWN_MAILS, "mail", shapes)
    check_phrases(source, tree)


def _scope(body: list[nodes.Node], environment: Environment) -> nodes.Template:
    return nodes.Template(body, lineno=1).set_environment(environment)  # type: ignore[return-value]  # it returns itself


def _check_scope(
    source: Source, scope: nodes.Template, allowed: frozenset[str], where: str, shapes: Mapping[str, type] = _SHAPES
) -> None:
    unknown = find_undeclared_variables(scope) - allowed
    for name in scope.find_all(nodes.Name):
        if name.name in unknown:
            raise _error(source, name, f"`{name.name}` is not known in the {where}; known are {', '.join(sorted(allowed))}")
    for attribute in scope.find_all(nodes.Getattr):
        root = attribute.node
        if isinstance(root, nodes.Name) and root.name in shapes:
            known = [field.name for field in fields(shapes[root.name])]
            if attribute.attr not in known:
                raise _error(source, attribute, f"`{root.name}` has no `{attribute.attr}`; it has {', '.join(known)}")


def _check_slots(source: Source, node: nodes.Node, *, written: bool) -> None:
    """A slot's value is not there yet while a block is rendered: it can be written out, and nothing else."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Name) and child.name in SLOTS and not (written and isinstance(node, nodes.Output)):
            raise _error(
                source,
                child,
                f"`{child.name}` is known only when a mail leaves: write {{{{ {child.name} }}}}, without filter or test",
            )
        if written and isinstance(node, nodes.Output) and isinstance(child, nodes.Call):
            _check_message(source, child)
        else:
            _check_slots(source, child, written=written and not _captures(child))


def _captures(node: nodes.Node) -> bool:
    """Whether what is written within a node can be had as a value."""
    return isinstance(node, _CAPTURES) or (isinstance(node, nodes.For) and node.recursive)


def _check_message(source: Source, call: nodes.Call) -> None:
    """A message that is written out may hold slots; what is done with its other values is looked at as everywhere."""
    for part in (call.node, *call.args, *(keyword.value for keyword in call.kwargs)):
        if not spoken_slot(call, part) or part in call.args:
            _check_slots(source, nodes.Tuple([part], "load"), written=False)
