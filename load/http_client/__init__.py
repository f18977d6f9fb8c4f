"""A lean HTTP/1.1 client: llhttp on gevent sockets, with the interface of Locust's own clients."""

from load.http_client.browser_cache import BrowserCache
from load.http_client.client import HttpClient
from load.http_client.cookies import CookieJar
from load.http_client.headers import Headers
from load.http_client.response import Response
from load.http_client.session import Options

__all__ = ["BrowserCache", "CookieJar", "Headers", "HttpClient", "Options", "Response"]
