"""Reads forms as Django and Werkzeug do. In: a line of JSON per form, {"type", "body"} in base64. Out: one per form, what each has read."""

import base64
import io
import json
import sys

from django.conf import settings

settings.configure(DATA_UPLOAD_MAX_NUMBER_FIELDS=None, DATA_UPLOAD_MAX_NUMBER_FILES=None)

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser
from werkzeug.formparser import FormDataParser


def hexed(values):
    return sorted([name, value.hex()] for name, value in values)


def django(body, content_type):
    meta = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
    handler = MemoryFileUploadHandler()
    values, files = MultiPartParser(meta, io.BytesIO(body), [handler], "utf-8").parse()
    return {
        "values": hexed((name, value.encode()) for name, all in values.lists() for value in all),
        "files": hexed((name, file.read()) for name, all in files.lists() for file in all),
    }


def werkzeug(body, content_type):
    mimetype, _, rest = content_type.partition(";")
    parser = FormDataParser(silent=False)
    boundary = rest.strip().partition("=")[2]
    _, values, files = parser.parse(io.BytesIO(body), mimetype, len(body), {"boundary": boundary})
    return {
        "values": hexed((name, value.encode()) for name, all in values.lists() for value in all),
        "files": hexed((name, file.read()) for name, all in files.lists() for file in all),
    }


for line in sys.stdin:
    form = json.loads(line)
    body = base64.b64decode(form["body"])
    read = {}
    for parser in (django, werkzeug):
        try:
            read[parser.__name__] = parser(body, form["type"])
        except Exception as error:
            read[parser.__name__] = {"error": type(error).__name__}
    print(json.dumps(read))
