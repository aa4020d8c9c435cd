"""What was read, as plain texts to compare."""


def texts(book):
    """The paragraphs of all chapters."""
    return [paragraph.text for chapter in book.chapters for paragraph in chapter.paragraphs]


def chapters(book):
    """Each chapter's title with its paragraphs."""
    return [(chapter.title, [paragraph.text for paragraph in chapter.paragraphs]) for chapter in book.chapters]


def left_out(book):
    """What is left out, with how it begins."""
    return [(each.kind, each.beginning) for each in book.left_out]


def warnings(book):
    """What is odd."""
    return [warned.message for warned in book.warnings]
