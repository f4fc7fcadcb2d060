"""The routes of the stack, as the transformed template has them. They must never be listed by hand."""

import functools
from dataclasses import dataclass

from infra.local.places import TEMPLATE
from infra.tools import transform

# What has no caller to ask for, and why.
OPEN = {"$default": "the page is what somebody sees before signing in; its own API has no other route and its function no rights"}
PARAMETERS = {
    "JwtIssuer": "https://issuer.example",
    "JwtAudience": "valet",
    "CorsOrigin": "https://app.example",
    "Uppy": "true",
    "Page": "true",
}


@dataclass(frozen=True)
class Route:
    """One route: `POST /v1/uploads/{id}/url`, whether API Gateway asks for a token, with which scopes, and whose function answers."""

    key: str
    asks_for_token: bool
    function: str

    @property
    def method(self) -> str:
        return self.key.split(" ")[0]

    @property
    def path(self) -> str:
        return self.key.split(" ")[-1]

    @property
    def asks_for_session(self) -> bool:
        """Whether it asks for a session in its path instead: 32 random bytes that a token has opened."""
        return self.path.startswith("/uppy/{session}/")


def about_an_upload(route: Route) -> bool:
    """Whether it is told which upload it is about: in its path, or in its body."""
    return "{id}" in route.key or "{uploadId}" in route.key or route.key.endswith(("POST /confirm-upload", "/s3/sign"))


@functools.cache
def routes() -> tuple[Route, ...]:
    """Every route of every API."""
    native = transform.transform(TEMPLATE, PARAMETERS)
    binaries = transform.functions(native)
    engine = transform.for_engine(
        native, {binary: {} for binary in binaries.values()}, {url: url for url in transform.nested(native, TEMPLATE)}
    )
    resources = engine["Resources"]
    found = []
    for resource in resources.values():
        if resource["Type"] != "AWS::ApiGatewayV2::Route":
            continue
        properties = resource["Properties"]
        asks = properties.get("AuthorizationType") == "JWT" and bool(properties.get("AuthorizationScopes"))
        integration = resources[_named(properties["Target"])]["Properties"]["IntegrationUri"]
        (binary,) = (binary for logical_id, binary in binaries.items() if f"{logical_id}.Arn" in str(integration))
        found.append(Route(properties["RouteKey"], asks, binary))
    return tuple(sorted(found, key=lambda route: route.key))


def _named(target: dict) -> str:
    """The integration that a target leads to, as each of the two spellings has it."""
    if "Fn::Join" in target:
        return target["Fn::Join"][1][1]["Ref"]
    return target["Fn::Sub"].removeprefix("integrations/${").removesuffix("}")
