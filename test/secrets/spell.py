"""Writes values in the ways of Python's own writers: values come as a JSON list, one object of name and spelling goes out for each."""

import base64, csv, html, importlib, io, json, shlex, sys, textwrap
from urllib.parse import quote, quote_plus, urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

try:
    import yaml
except ImportError:
    yaml = None


def sqlalchemy_urls():
    makers = {}
    for folder in sys.argv[1:]:
        sys.path.insert(0, folder)
        try:
            for name in [name for name in sys.modules if name.split(".")[0] == "sqlalchemy"]:
                del sys.modules[name]
            makers["SQLAlchemy " + importlib.import_module("sqlalchemy").__version__[:3]] = importlib.import_module("sqlalchemy.engine").URL
        except ImportError:
            pass
        finally:
            sys.path.pop(0)
    return makers


MAKERS = sqlalchemy_urls()


def element(value):
    made = ElementTree.Element("a", {"b": value})
    made.text = value
    return made


def csv_of(value, **options):
    out = io.StringIO()
    csv.writer(out, **options).writerow(["id", value, "end"])
    return out.getvalue()


def spellings(value):
    utf8 = value.encode("utf-8")
    spelled = {
        "repr of str": repr([value]),
        "ascii of str": ascii([value]),
        "repr of bytes": repr({"password": utf8}),
        "repr of repr": repr(repr(value)),
        "shlex.quote": shlex.quote(value),
        "shlex.quote twice": shlex.quote("login --password " + shlex.quote(value)),
        "json": json.dumps({"p": value}),
        "json without ascii": json.dumps({"p": value}, ensure_ascii=False),
        "json twice": json.dumps(json.dumps({"p": value})),
        "json of repr": json.dumps(repr({"p": value})),
        "quote": quote(value),
        "quote, nothing safe": quote(value, safe=""),
        "quote_plus": quote_plus(value),
        "quote twice": quote(quote(value)),
        "quote_plus twice": quote_plus(quote_plus(value)),
        "urlencode of urlencode": urlencode({"next": "/?" + urlencode({"p": value})}),
        "html.escape": html.escape(value),
        "html.escape without quotes": html.escape(value, quote=False),
        "html.escape twice": html.escape(html.escape(value)),
        "saxutils.escape": escape(value),
        "saxutils.quoteattr": quoteattr(value),
        "decimal references": html.escape(value).encode("ascii", "xmlcharrefreplace").decode(),
        "ElementTree": ElementTree.tostring(element(value)).decode(),
        "ElementTree, unicode": ElementTree.tostring(element(value), encoding="unicode"),
        "csv": csv_of(value),
        "csv, all quoted": csv_of(value, quoting=csv.QUOTE_ALL),
        "backslashreplace": value.encode("ascii", "backslashreplace").decode(),
        "replace": value.encode("ascii", "replace").decode(),
        "ignore": value.encode("ascii", "ignore").decode(),
        "UTF-8 read as Latin-1": utf8.decode("latin-1"),
        "unicode_escape": value.encode("unicode_escape").decode(),
        "base64": base64.b64encode(utf8).decode(),
        "base64 in lines": base64.encodebytes(utf8).decode(),
        "base64 in lines among other bytes": base64.encodebytes(b"some bytes before it, many of them: " * 2 + utf8 + b" and behind").decode(),
        "base64 of user and password": base64.b64encode(b"user:" + utf8).decode(),
        "urlsafe base64": base64.urlsafe_b64encode(b"a:" + utf8).decode(),
        "base64 of UTF-16LE": base64.b64encode(("Set-Password '" + value + "'").encode("utf-16-le")).decode(),
        "base64 in a URL": quote(base64.b64encode(utf8).decode(), safe=""),
        "hex": utf8.hex(),
        "HEX": utf8.hex().upper(),
        "hex with colons": utf8.hex(":"),
        "hex with blanks": utf8.hex(" "),
        "HEX with dashes": utf8.hex("-").upper(),
        "hex with \\x": "".join("\\x%02x" % byte for byte in utf8),
        "hex as a list": ", ".join("0x%02x" % byte for byte in utf8),
        "xxd": utf8.hex(" ", -2),
        "xxd -p": "\n".join(textwrap.wrap(utf8.hex(), 60)),
        "textwrap at 76": textwrap.fill("Signed in as a member of the sales team, who has the password " + value + " since May", 76),
        "lines of 76": "\n".join(cut(("password: " * 3) + value, 76)),
        "a return in its middle": value[: len(value) // 2] + "\r" + value[len(value) // 2 :],
    }
    if yaml is not None:
        spelled["yaml"] = yaml.safe_dump({"password": value})
        spelled["yaml, unicode"] = yaml.safe_dump({"password": value}, allow_unicode=True)
        for style in "'\"|>":
            spelled["yaml " + style] = yaml.safe_dump({"p": {"q": value}}, default_style=style, allow_unicode=style != '"')
    for name, url in MAKERS.items():
        made = url.create("postgresql", username="u", password=value, host="h", database="d")
        spelled[name] = made.render_as_string(hide_password=False)
        spelled[name + " in repr"] = repr(made.render_as_string(hide_password=False))
    return spelled


def cut(text, columns):
    return [text[at : at + columns] for at in range(0, len(text), columns)]


json.dump([spellings(value) for value in json.load(sys.stdin)], sys.stdout)
