"""How much one owner may have, and how much of everything there may be at a time."""

import re

from ..mutate import drop, put
from ..stack import Stack
from .assertion import assertion, same

UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


@assertion(
    put("Parameters > OwnerMaxFiles > Default", 0),
    put("Parameters > OwnerMaxBytes > Default", "0"),
    put("Parameters > OwnerMaxPending > Default", 1000),
    drop("Parameters > OwnerGrantsPerMinute > Default"),
    put("Parameters > OwnerMaxPending > MinValue", -1),
    drop("Parameters > OwnerMaxFiles > MaxValue"),
    put("Parameters > OwnerGrantsPerMinute > MinValue", 1),
)
def an_owner_is_bounded_unless_somebody_says_0(stack: Stack) -> None:
    parameters = stack.parent["Parameters"]
    defaults = {"OwnerMaxFiles": 10000, "OwnerMaxBytes": "100GiB", "OwnerMaxPending": 100, "OwnerGrantsPerMinute": 600}
    same({name: parameters[name].get("Default") for name in defaults}, defaults)
    for name in defaults.keys() - {"OwnerMaxBytes"}:
        bounds = tuple(parameters[name].get(bound) for bound in ("MinValue", "MaxValue"))
        same((name, parameters[name]["Type"], bounds), (name, "Number", (0, 10**9)))


@assertion(
    put("Parameters > OwnerMaxBytes > AllowedPattern", r"^[0-9]+(KiB|MiB|GiB|TiB)?$"),
    put("Parameters > OwnerMaxBytes > AllowedPattern", r"^[1-9][0-9]{0,6}(KiB|MiB|GiB|TiB)$"),
    put("Parameters > OwnerMaxBytes > AllowedPattern", ".*"),
)
def an_owners_bytes_are_a_size_that_fits_a_counter(stack: Stack) -> None:
    parameter = stack.parent["Parameters"]["OwnerMaxBytes"]
    pattern = re.compile(parameter["AllowedPattern"])
    for right in (parameter["Default"], "0", "1", "500MiB", "2TiB", "999999TiB", "999999999999999"):
        assert pattern.search(right), f"{right!r} does not pass for a size"
        digits, unit = re.fullmatch(r"(\d+)(\w*)", right).groups()
        assert int(digits) * UNITS[unit] < 1 << 63
    for wrong in ("", "-1", "100 GiB", "100GB", "1.5GiB", "0GiB", "007", "9999999TiB", "9" * 20, "1GiB,1GiB"):
        assert not pattern.search(wrong), f"{wrong!r} passes for a size"


@assertion(
    drop("ApiApiGatewayDefaultStage > DefaultRouteSettings"),
    put("ApiApiGatewayDefaultStage > DefaultRouteSettings > ThrottlingRateLimit", 100000),
    put("ApiApiGatewayDefaultStage > DefaultRouteSettings > ThrottlingRateLimit", {"Ref": "ApiBurst"}),
    drop("ApiApiGatewayDefaultStage > DefaultRouteSettings > ThrottlingBurstLimit"),
    drop("PageStage > DefaultRouteSettings"),
    put("PageStage > DefaultRouteSettings > ThrottlingRateLimit", 100000),
    put("Parameters > ApiRequestsPerSecond > MinValue", 0),
    put("Parameters > ApiRequestsPerSecond > Default", 10000),
    drop("Parameters > ApiBurst > MaxValue"),
)
def both_apis_are_throttled(stack: Stack) -> None:
    settings = {logical_id: stage.get("DefaultRouteSettings") for logical_id, stage in stack.of_type("AWS::ApiGatewayV2::Stage").items()}
    same(
        settings,
        {
            "ApiApiGatewayDefaultStage": {"ThrottlingRateLimit": {"Ref": "ApiRequestsPerSecond"}, "ThrottlingBurstLimit": {"Ref": "ApiBurst"}},
            "PageStage": {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200},
        },
    )
    # The most are an account's own, unless it asked for more: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
    for name, bounds in {"ApiRequestsPerSecond": (1, 200, 10000), "ApiBurst": (1, 400, 5000)}.items():
        parameter = stack.parent["Parameters"][name]
        same((name, tuple(parameter.get(bound) for bound in ("MinValue", "Default", "MaxValue"))), (name, bounds))


@assertion(
    put("Parameters > ThumbnailConcurrency > MinValue", 1),
    put("Parameters > ThumbnailConcurrency > MaxValue", 10000),
    put("Parameters > ThumbnailConcurrency > Default", 1000),
    put("GenerateThumbnailsFunctionArrivals > ScalingConfig > MaximumConcurrency", 20),
)
def no_more_arrivals_are_under_work_than_the_parameter_says(stack: Stack) -> None:
    mapping, = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    same(mapping["ScalingConfig"], {"MaximumConcurrency": {"Ref": "ThumbnailConcurrency"}})
    # Lambda takes 2 to 1,000: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    parameter = stack.parent["Parameters"]["ThumbnailConcurrency"]
    same([parameter.get(name) for name in ("MinValue", "Default", "MaxValue")], [2, 20, 1000])
