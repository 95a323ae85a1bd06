"""The whole of a template tried out: Jinja names, tags, MJML, and a rendering of a specimen.

It runs in a child process, since a template can crash MJML's compiler, and Jinja can be made to fill the memory or never
to end.
"""

from __future__ import annotations

import json
import sys

from digest.errors import TemplateError
from digest.rendering.confined import run_confined, stage
from digest.rendering.templates import Source, Template

_CHILD = """
from digest.rendering.trial import child
child()
"""


def try_out(template: Template) -> str:
    """The HTML that MJML makes of a template that is right, or a TemplateError that names the file and the line."""
    sources = [[source.file, source.text] for source in (template.mjml, template.text)]
    given = json.dumps([template.name, template.hash, *sources]).encode()
    return run_confined(_CHILD, given, template.mjml.file).decode()


def child() -> None:
    """The program of the child: a template as JSON comes in, its HTML goes out."""
    from digest.rendering.assemble import render_compiled
    from digest.rendering.compile import finish, to_html
    from digest.rendering.specimen import ARRANGEMENTS, CONTENT, PERSONAL

    name, hash_, mjml, text = json.loads(sys.stdin.buffer.read())
    template = Template(name, Source(*mjml), Source(*text), hash_)
    try:
        html = to_html(template)
        stage("Jinja")
        compiled = finish(template, html)
        for arrangement in ARRANGEMENTS:
            render_compiled(compiled, CONTENT, arrangement, PERSONAL)
    except TemplateError as error:
        sys.exit(str(error))
    except MemoryError:
        sys.exit(f"{template.mjml.file}: it needs too much memory: look for what grows with each tag")
    sys.stdout.buffer.write(html.encode())
