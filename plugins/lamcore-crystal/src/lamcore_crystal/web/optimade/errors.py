"""What can be wrong with an OPTIMADE request."""

from __future__ import annotations


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes:
        status: Of HTTP.
        title: In a few words.
    """

    status = 400
    title = "Bad Request"


class BadFilterError(RequestError):
    """A filter, or another parameter, that is not right."""


class NotFoundError(RequestError):
    """There is no such thing."""

    status = 404
    title = "Not Found"


class NotSupportedError(RequestError):
    """An optional part of OPTIMADE that is not offered here."""

    status = 501
    title = "Not Implemented"


class VersionError(RequestError):
    """A version of OPTIMADE that is not offered here."""

    status = 553
    title = "Version Not Supported"
