"""EPUBs as real tools write them, and odd hands, read as a person would."""

import pytest

from tests.books import epubs
from tests.books.shown import chapters, left_out, texts, warnings
from valle_engine.books import Reading, parse_document, read_book
from valle_engine.books.omissions import OMISSIONS
from valle_engine.books.xml import text_of


def test_an_epub_3_is_read_by_its_navigation(tmp_path):
    parts = {
        "package.opf": epubs.package(["one.xhtml", "two.xhtml"], items=epubs.NAV_ITEM),
        "nav.xhtml": epubs.nav(("One", "one.xhtml"), ("Two", "two.xhtml#b"), ("Three", "two.xhtml#c")),
        "one.xhtml": epubs.document("<h1>1</h1><p>First.</p>"),
        "two.xhtml": epubs.document('<section id="b"><p>Second.</p></section><p id="c">Third.</p>'),
    }
    book = read_book(epubs.write(tmp_path / "a.epub", parts))
    assert chapters(book) == [("One", ["1", "First."]), ("Two", ["Second."]), ("Three", ["Third."])]


def test_an_epub_2_is_read_by_its_ncx(tmp_path):
    parts = {
        "package.opf": epubs.package(["a.xhtml"], items=epubs.NCX_ITEM, spine='toc="ncx"'),
        "toc.ncx": epubs.ncx(("Chapter I", "a.xhtml#one"), ("Chapter II", "a.xhtml#two")),
        "a.xhtml": epubs.document('<p>Before.</p><h2><a id="one"/>I</h2><p>x</p><a id="two"/><h2>II</h2><p>y</p>'),
    }
    book = read_book(epubs.write(tmp_path / "a.epub", parts))
    assert chapters(book) == [("A Book", ["Before."]), ("Chapter I", ["I", "x"]), ("Chapter II", ["II", "y"])]


def test_without_a_table_of_contents_each_document_is_a_chapter(epub):
    assert chapters(epub("<h1>Uno</h1><p>a</p>", "<p>b</p>")) == [("Uno", ["Uno", "a"]), ("", ["b"])]


def nested(*entries):
    items = "".join(
        f'<li><a href="{href}">{title}</a>{f"<ol>{inner}</ol>" if inner else ""}</li>' for title, href, inner in entries
    )
    return epubs.document(f'<nav epub:type="toc"><ol>{items}</ol></nav>')


PARTS = nested(("Part", "a.xhtml", '<li><a href="b.xhtml">Deep</a></li>'), ("Last", "c.xhtml", ""))
SECTIONS = nested(("One", "a.xhtml", '<li><a href="a.xhtml#s">Section</a></li>'), ("Two", "b.xhtml", ""))
ALONE = nested(("Book", "a.xhtml", '<li><a href="a.xhtml#s">I</a></li><li><a href="b.xhtml">II</a></li>'))


@pytest.mark.parametrize(
    ("contents", "depth", "titles"),
    [
        (PARTS, None, ["Part", "Deep", "Last"]),
        (PARTS, 1, ["Part", "Last"]),
        (SECTIONS, None, ["One", "Two"]),
        (SECTIONS, 2, ["One", "Section", "Two"]),
        (ALONE, None, ["Book", "I", "II"]),
    ],
)
def test_chapters_begin_where_a_person_would_say_so(tmp_path, contents, depth, titles):
    names = ["a.xhtml", "b.xhtml", "c.xhtml"]
    page = epubs.document('<p>x</p><p id="s">y</p>')
    parts = {"package.opf": epubs.package(names, items=epubs.NAV_ITEM), "nav.xhtml": contents}
    path = epubs.write(tmp_path / "a.epub", {**parts, **dict.fromkeys(names, page)})
    assert [title for title, _ in chapters(read_book(path, Reading(depth=depth)))] == titles


def test_what_a_book_says_of_itself(tmp_path):
    metadata = (
        '<dc:title> The\n Title </dc:title><dc:creator id="a">Ann</dc:creator><dc:creator id="b">Bob</dc:creator>'
        '<meta refines="#b" property="role">ill</meta><dc:creator opf:role="trl">Tom</dc:creator>'
        '<dc:identifier>x</dc:identifier><dc:identifier id="id">urn:1</dc:identifier><dc:publisher>P</dc:publisher>'
        "<dc:language>en-GB</dc:language><dc:date>1894</dc:date><dc:description>D</dc:description>"
    )
    about = read_book(epubs.simple(tmp_path / "a.epub", "<p>x</p>", metadata=metadata)).metadata
    assert (about.title, about.authors, about.language) == ("The Title", ("Ann",), "en")
    assert (about.identifier, about.publisher, about.date, about.description) == ("urn:1", "P", "1894", "D")


@pytest.mark.parametrize(
    ("metadata", "items", "more"),
    [
        ("", '<item id="x" href="c.png" media-type="image/png" properties="cover-image"/>', ""),
        ('<meta name="cover" content="x"/>', '<item id="x" href="c.png" media-type="image/png"/>', ""),
        (
            "",
            '<item id="x" href="c.png" media-type="image/png"/>',
            '<guide><reference type="cover" href="a.xhtml"/></guide>',
        ),
    ],
    ids=["epub3", "epub2", "guide"],
)
def test_the_cover_is_found_however_it_is_marked(tmp_path, metadata, items, more):
    package = epubs.package(["a.xhtml"], metadata=epubs.METADATA + metadata, items=items, more=more)
    page = epubs.document('<p>x</p><svg><image xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="c.png"/></svg>')
    path = epubs.write(tmp_path / "a.epub", {"package.opf": package, "a.xhtml": page, "c.png": epubs.COVER})
    cover = read_book(path).cover
    assert (cover.name, cover.media_type, cover.data) == ("EPUB/c.png", "image/png", epubs.COVER)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('<aside epub:type="footnote">1 x</aside>', "notes"),
        ('<section role="doc-endnotes"><p>x</p></section>', "notes"),
        ('<div class="footnote">x</div>', "notes"),
        ('<p>a<a epub:type="noteref" href="#n">1</a></p>', "note-references"),
        ('<p>a<a class="fnanchor" href="#n">[1]</a></p>', "note-references"),
        ('<p>a<span epub:type="pagebreak">12</span></p>', "page-breaks"),
        ('<p>a<span class="pagenum">[Pg 12]</span></p>', "page-breaks"),
        ('<nav epub:type="toc"><ol><li>x</li></ol></nav>', "contents"),
        ('<section epub:type="index"><p>x, 1</p></section>', "index"),
        ('<section role="doc-bibliography"><p>x</p></section>', "bibliography"),
        ('<section epub:type="copyright-page"><p>x</p></section>', "copyright"),
        ('<aside epub:type="pullquote">x</aside>', "pull-quotes"),
        ("<table><tr><td>x</td></tr></table>", "tables"),
        ("<figure><figcaption>x</figcaption></figure>", "captions"),
        ("<pre>x</pre>", "code"),
    ],
)
def test_each_kind_may_be_left_out_or_read(epub, body, kind):
    without = epub(f"<p>Text.</p>{body}", leave_out=[kind])
    assert [what for what, _ in left_out(without)] == [kind]
    whole = epub(f"<p>Text.</p>{body}", leave_out=set(OMISSIONS) - {kind})
    assert not whole.left_out
    assert len("".join(texts(whole))) > len("".join(texts(without)))


def test_a_document_that_is_not_linear_is_left_out(tmp_path):
    package = epubs.package(["a.xhtml", "b.xhtml"]).replace('idref="i1"', 'idref="i1" linear="no"')
    parts = {"package.opf": package, "a.xhtml": epubs.document("<p>x</p>"), "b.xhtml": epubs.document("<p>y</p>")}
    path = epubs.write(tmp_path / "a.epub", parts)
    assert left_out(read_book(path)) == [("supplements", "y")]
    assert texts(read_book(path, Reading(frozenset()))) == ["x", "y"]


def test_the_guide_of_an_epub_2_says_what_documents_are(tmp_path):
    more = '<guide><reference type="toc" href="a.xhtml"/><reference type="text" href="b.xhtml"/></guide>'
    parts = {
        "package.opf": epubs.package(["a.xhtml", "b.xhtml"], more=more),
        "a.xhtml": epubs.document("<p>Contents</p>"),
        "b.xhtml": epubs.document("<p>x</p>"),
    }
    book = read_book(epubs.write(tmp_path / "a.epub", parts))
    assert (texts(book), left_out(book)) == (["x"], [("contents", "Contents")])


def test_notes_that_only_their_links_show_are_left_out(epub):
    one = (
        '<p>Text<a id="r1" href="#n1"><sup>1</sup></a> and<sup><a href="c2.xhtml#n2">*</a></sup> more, '
        'see <a href="#x">5</a>.</p>'
    )
    notes = '<p id="n1"><a href="#r1">1</a> The note.</p><p id="x">5 is a number.</p>'
    book = epub(one + notes, '<p id="n2">* Another note.</p><p id="n3">No note.</p>')
    assert texts(book) == ["Text and more, see 5.", "5 is a number.", "No note."]
    assert [kind for kind, _ in left_out(book)] == ["note-references", "note-references", "notes", "notes"]


def test_a_book_as_pandoc_writes_it(tmp_path):
    body = (
        '<section id="the-first" class="level1" data-number="1"><h1>The First</h1><p>It was<a href="#fn1" '
        'class="footnote-ref" id="fnref1" role="doc-noteref" epub:type="noteref">1</a> so.</p><section id="sub" '
        'class="level2"><h2>Sub</h2><p>More.</p></section></section><aside id="footnotes" class="footnotes" '
        'role="doc-endnotes" epub:type="footnotes"><section><p>Why.</p></section></aside>'
    )
    title = '<section epub:type="titlepage"><h1 class="title">Title</h1><p class="author">Ann</p></section>'
    contents = nested(
        ("The First", "text/ch001.xhtml#the-first", '<li><a href="text/ch001.xhtml#sub">Sub</a></li>'),
        ("B", "text/t.xhtml", ""),
    )
    parts = {
        "package.opf": epubs.package(["text/t.xhtml", "nav.xhtml", "text/ch001.xhtml"]).replace(
            'id="i1"', 'id="i1" properties="nav"'
        ),
        "nav.xhtml": contents,
        "text/t.xhtml": epubs.document(title),
        "text/ch001.xhtml": epubs.document(body),
    }
    book = read_book(epubs.write(tmp_path / "a.epub", parts))
    assert chapters(book) == [("B", ["Title", "Ann"]), ("The First", ["The First", "It was so.", "Sub", "More."])]


def test_a_book_as_calibre_writes_it(tmp_path):
    page = (
        '<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en">'
        '<head><link rel="stylesheet" type="text/css" href="stylesheet.css"/></head><body class="calibre">'
        '<p class="chapter" id="calibre_pb_1"><span class="calibre1">Chapter 1</span></p><p class="calibre2">'
        '<span class="dropcap">O</span>nce upon&nbsp;a time</p>'
        '<div class="mbp_pagebreak" id="calibre_pb_2"></div></body></html>'
    )
    parts = {
        "package.opf": epubs.package(["index_split_000.html"], items=epubs.NCX_ITEM, spine='toc="ncx"'),
        "toc.ncx": epubs.ncx(("Chapter 1", "index_split_000.html#calibre_pb_1")),
        "index_split_000.html": page,
    }
    book = read_book(epubs.write(tmp_path / "a.epub", parts))
    assert chapters(book) == [("Chapter 1", ["Chapter 1", "Once upon a time"])]


def test_a_hand_made_odd_one_is_read_all_the_same(tmp_path):
    package = epubs.package(["My%20Text/Ch1.XHTML"]).replace("application/xhtml+xml", "text/html")
    tagsoup = "<html><body><p>Tom & Jerry &eacute;&hellip;<br>next<p>Second <b>bold</p></body>"
    container = epubs.CONTAINER.replace(' media-type="application/oebps-package+xml"', "")
    parts = {"package.opf": package, "my text/ch1.xhtml": tagsoup}
    book = read_book(epubs.write(tmp_path / "a.epub", parts, container=container))
    assert texts(book) == ["Tom & Jerry é…\nnext", "Second bold"]
    assert "not sound XML" in warnings(book)[0]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-8-sig"])
def test_a_document_is_read_in_the_encoding_it_says(tmp_path, encoding):
    head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    page = f"{head}<html {epubs.XHTML}><body><p>Æsop é</p></body></html>"
    parts = {"package.opf": epubs.package(["a.xhtml"]), "a.xhtml": page.encode(encoding)}
    assert texts(read_book(epubs.write(tmp_path / "a.epub", parts))) == ["Æsop é"]


def test_hidden_things_and_what_is_no_text_are_not_read(epub):
    body = (
        '<p>Seen<span hidden="">a</span><span style="color: red; display:none">b</span><i aria-hidden="true">c</i></p>'
        "<script>d</script><style>e</style><svg><text>f</text></svg><!-- g --><?h i?><p>and seen</p>"
    )
    assert texts(epub(body)) == ["Seen", "and seen"]


def test_a_place_leads_back_to_the_element(tmp_path):
    body = "<!-- c --><div><h1>A</h1><p>one</p>loose<p id='x'>two</p></div><ul><li>three</li></ul>"
    path = epubs.simple(tmp_path / "a.epub", body)
    [chapter] = read_book(path).chapters
    tree = parse_document(epubs.document(body).encode(), "c1.xhtml")
    for paragraph in chapter.paragraphs:
        [element] = tree.xpath(paragraph.element)
        assert paragraph.text in text_of(element)
    assert [paragraph.anchor for paragraph in chapter.paragraphs] == ["", "", "", "x", ""]
    assert {paragraph.place for paragraph in chapter.paragraphs} == {"EPUB/c1.xhtml"}


def test_two_breaks_in_a_row_part_paragraphs(epub):
    assert texts(epub("<p>one<br/>line<br/> <br/>two<br/><br/><br/>three</p>")) == ["one\nline", "two", "three"]


def test_ruby_is_said_as_its_kana_and_written_as_its_base(epub):
    [chapter] = epub("<p><ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>を</p>", language="ja").chapters
    run = chapter.paragraphs[0].runs[0]
    assert (run.text, run.alias) == ("漢字", "かんじ")


def test_a_line_of_stars_or_a_rule_begins_a_scene(epub):
    [chapter] = epub("<p>a</p><p>* * *</p><p>b</p><hr/><p>c</p><p>d</p><p>“…”</p>").chapters
    assert [(each.text, each.scene) for each in chapter.paragraphs] == [
        ("a", False),
        ("b", True),
        ("c", True),
        ("d", False),
    ]


def test_a_passage_in_another_language_keeps_it(epub):
    [chapter] = epub(
        '<p>He said <i xml:lang="fr-FR">bonjour</i> <span lang="en-US">again and again</span>.</p>'
    ).chapters
    assert [(run.text, run.language) for run in chapter.paragraphs[0].runs if run.language] == [("bonjour", "fr")]


def test_a_book_is_believed_against_the_noise_in_its_text(epub):
    metadata = "<dc:title>B</dc:title><dc:language>de</dc:language>"
    book = epub('<p lang="en-US">Es war einmal ein König.</p><p>Er lebte.</p>', metadata=metadata)
    assert {run.language for run in book.chapters[0].paragraphs[0].runs} == {""}
    assert "73% of the text claims to be 'en', the book is 'de'" in warnings(book)[0]


def test_a_language_the_engine_has_not_is_told(epub):
    assert "passages in 'la' are read as 'en'" in warnings(epub('<p>See <i lang="la">ibidem</i> for all the rest.</p>'))


def test_a_book_without_a_language_takes_that_of_its_text(epub):
    book = epub("<p>Es war.</p>", metadata="<dc:title>B</dc:title>", attributes='xml:lang="de"')
    assert book.metadata.language == "de"
    assert "the book says no language; it is read as 'de'" in warnings(book)


@pytest.mark.parametrize(("said", "read"), [("ger", "de"), ("EN_us", "en"), ("und", "en"), ("es-419", "es")])
def test_a_language_is_known_by_any_of_its_codes(epub, said, read):
    metadata = f"<dc:title>B</dc:title><dc:language>{said}</dc:language>"
    assert epub("<p>x</p>", metadata=metadata).metadata.language == read


def test_the_language_may_be_said(epub):
    assert epub("<p>x</p>", language="fr").metadata.language == "fr"
