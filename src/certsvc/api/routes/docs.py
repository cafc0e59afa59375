"""The interactive documentation, without the internet: every byte comes from this process."""

from importlib.resources import files
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # Swagger UI sets styles on its elements.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {"content-security-policy": _POLICY}
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon.png": "image/png",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>certsvc API</title>
<link rel="icon" href="docs/assets/favicon.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  validatorUrl: null,
});
"""


async def page(_request: Request) -> Response:
    """The page."""
    return HTMLResponse(_PAGE, headers=_HEADERS)


async def start(_request: Request) -> Response:
    """Its script: in a file of its own, so that the page needs no inline script."""
    return Response(_START, media_type="text/javascript")


async def asset(request: Request) -> Response:
    """Swagger UI itself, as it comes with a package."""
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise HTTPException(404)
    path = Path(str(files("fastapi_offline"))) / "static" / name
    headers = {"cache-control": "public, max-age=86400"}
    return FileResponse(path, media_type=_ASSETS[name], headers=headers)


async def contract(request: Request) -> Response:
    """The contract."""
    body: bytes = request.app.state.contract()
    return Response(body, media_type="application/json")
