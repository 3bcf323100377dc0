"""What answered at an address and is no video, told apart in words."""

from camera.sources.video.container import NO_VIDEO, VideoError

ADVICE = "look up the address of its stream or snapshot in the camera's manual"
UNAUTHORIZED = "HTTPUnauthorizedError"
UNKNOWN_DIGEST = "asks for a login by SHA-256 (401), which is not understood: let it take a digest by MD5, or Basic."
REFUSALS = {
    NO_VIDEO: f"answers, but not with video: {ADVICE}.",
    UNAUTHORIZED: "refuses the user or password (401): check both; special characters must be encoded.",
    "HTTPForbiddenError": "does not let this user see it (403): check the user's rights in the camera.",
    "HTTPNotFoundError": f"has nothing under this path (404): {ADVICE}.",
    "HTTPBadRequestError": f"does not understand the request (400): {ADVICE}.",
    "HTTPTooManyRequestsError": "is asked too often (429): let fewer programs ask it, or name its stream.",
    "HTTPOtherClientError": f"refuses the request: {ADVICE}.",
    "HTTPServerError": "has a fault of its own (5xx): restart the camera.",
    "InvalidDataError": f"answers, but with no video, perhaps with a web page: {ADVICE}.",
    "EOFError": f"ended the connection without a picture: {ADVICE}.",
    "ProtocolNotFoundError": "has a scheme that is not understood: write rtsp://, http:// or https://.",
    "ArgumentError": "leads to an address of another kind: write that one.",
    "ExitError": "answers too slowly: check the network, and whether others watch the camera.",
    "TimeoutError": "answers too slowly: check the network, and whether others watch the camera.",
}
OTHER = "gives no video: check the address, user and password."


def explain_refusal(error: VideoError) -> str:
    """Complete "CAMERA_SOURCE=..."; FFmpeg's own words hold the whole address and are not used."""
    return REFUSALS.get(error.kind, OTHER)
