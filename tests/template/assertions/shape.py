"""The template as a whole: its graph, its names, its parameters and outputs."""

import re

from ..mutate import add, drop, put
from ..stack import PARAMETERS, STACK_GUID, Stack, listed, text
from .assertion import assertion, same


@assertion(
    put("ThumbnailQueuePolicy > PolicyDocument > Statement > BucketSendsArrivals > Condition > ArnEquals > aws:SourceArn", {"Fn::GetAtt": ["Bucket", "Arn"]}),
    put("Bucket > DependsOn", ["ThumbnailQueuePolicy", "IssueUploadFunction"]),
    add("OriginAccessControl > DependsOn", ["BucketPolicy"]),
    put("IssueUploadLogs > LogGroupName", {"Fn::Sub": "/aws/lambda/${IssueUploadFunction}"}),
)
def nothing_depends_on_itself(stack: Stack) -> None:
    for template in stack.templates():
        waiting = {logical_id: needs(resource) & set(template["Resources"]) for logical_id, resource in template["Resources"].items()}
        while ready := [logical_id for logical_id, needed in waiting.items() if not needed]:
            for logical_id in ready:
                del waiting[logical_id]
            for needed in waiting.values():
                needed.difference_update(ready)
        assert not waiting, f"these wait for each other: {sorted(waiting)}"


def needs(node: object) -> set[str]:
    """The logical ids that a piece of template names in Ref, GetAtt, Sub or DependsOn."""
    if isinstance(node, list):
        return set().union(*map(needs, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    named = set()
    for key, value in node.items():
        if key in ("Ref", "DependsOn"):
            named.update(listed(value))
        elif key == "Fn::GetAtt":
            named.add(value.split(".")[0] if isinstance(value, str) else value[0])
        elif key == "Fn::Sub":
            named.update(re.findall(r"\$\{(\w+)[.}]", value if isinstance(value, str) else value[0]))
            named |= needs(value)
        else:
            named |= needs(value)
    return named


@assertion(
    add("IssueUploadFunction > FunctionName", "issue-upload"),
    put("ApiLogs > LogGroupName", "/aws/vendedlogs/valet"),
    add("Table > TableName", "uploads"),
    put("OriginAccessControl > OriginAccessControlConfig > Name", "valet"),
    put("Bucket > BucketName", "valet-uploads"),
    put("IssueUploadThrottles > AlarmName", "valet-throttles"),
    put("Dashboard > DashboardName", "valet"),
    put("SignInPool > Parameters > DomainPrefix", "valet"),
)
def two_stacks_fit_into_one_account(stack: Stack) -> None:
    for template in stack.templates():
        for logical_id, resource in template["Resources"].items():
            properties = resource["Properties"]
            for name in ("RoleName", "QueueName", "TableName", "BucketName", "LogGroupName", "TopicName", "AlarmName", "DashboardName"):
                if name in properties:
                    assert has_the_stack_in_it(text(properties[name])), f"{logical_id}: {name} is the same in every stack"
            assert "FunctionName" not in properties or "Ref" in properties["FunctionName"], f"{logical_id} has a fixed name"
            for config, settings in properties.items():
                if config.endswith("Config") and "Name" in settings:
                    assert has_the_stack_in_it(text(settings["Name"])), f"{logical_id} is called the same in every stack"
    prefix = text(stack.properties("SignInPool")["Parameters"]["DomainPrefix"])
    assert has_the_stack_in_it(prefix), "the login is called the same in every stack"


def has_the_stack_in_it(name: str) -> bool:
    return any(part in name for part in ("${AWS::StackName}", "${ServiceName}", "${BucketName}", STACK_GUID))


@assertion(
    drop("Parameters > CorsOrigin > Description"),
    put("Delivery's Outputs > CdnUrl > Description", "URL"),
)
def every_parameter_and_output_says_what_it_is(stack: Stack) -> None:
    for template in stack.templates():
        for kind in ("Parameters", "Outputs"):
            for name, described in template[kind].items():
                assert len(described.get("Description", "")) > 15, f"{name} has no description"


@assertion(
    drop("Metadata > AWS::CloudFormation::Interface > ParameterGroups > 0 > Parameters > 0"),
    add("Metadata > AWS::CloudFormation::Interface > ParameterGroups > 4 > Parameters", "MemorySize"),
)
def every_parameter_stands_in_a_group(stack: Stack) -> None:
    groups = stack.parent["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    same(sorted(name for group in groups for name in group["Parameters"]), sorted(stack.parent["Parameters"]))


@assertion(
    drop("Outputs > CdnUrl"),
    put("Outputs > ThumbnailQueueUrl > Value", {"Ref": "ThumbnailDeadLetterQueue"}),
)
def the_outputs_are_what_a_client_and_an_operator_need(stack: Stack) -> None:
    same(
        text({name: output["Value"] for name, output in stack.parent["Outputs"].items()}),
        {
            "PageUrl": ["if HasPublicPageUrl", PARAMETERS["PublicPageUrl"], "${PageApi.ApiEndpoint}"],
            "ApiUrl": "${Api.ApiEndpoint}",
            "CdnUrl": "${Delivery.Outputs.CdnUrl}",
            "CdnDomain": "${Delivery.Outputs.CdnDomain}",
            "BucketName": "${Bucket}",
            "TableName": "${Table}",
            "ThumbnailQueueUrl": "${ThumbnailQueue}",
            "ThumbnailDeadLetterQueueUrl": "${ThumbnailDeadLetterQueue}",
            "DashboardName": "${Monitoring.Outputs.DashboardName}",
            "SignInIssuer": "${SignInPool.Outputs.Issuer}",
            "SignInClientId": "${SignInPool.Outputs.ClientId}",
            "SignInLoginUrl": "${SignInPool.Outputs.LoginUrl}",
            "SignInUserPoolId": "${SignInPool.Outputs.UserPoolId}",
        },
    )


@assertion(
    drop("Delivery > Parameters > PublicUrl"),
    put("Parameters > PublicCdnUrl > Default", "https://cdn.example.com"),
    put("Delivery's Conditions > HasPublicUrl", {"Fn::Equals": [{"Ref": "PublicUrl"}, ""]}),
    put("Delivery's Outputs > CdnUrl > Value", {"Ref": "PublicUrl"}),
)
def files_are_linked_under_the_distribution_unless_another_address_is_given(stack: Stack) -> None:
    same(text(stack.properties("Delivery")["Parameters"].get("PublicUrl")), "${PublicCdnUrl}")
    same(stack.parent["Parameters"]["PublicCdnUrl"]["Default"], "")
    same(stack.delivery["Conditions"]["HasPublicUrl"], {"Fn::Not": [{"Fn::Equals": [{"Ref": "PublicUrl"}, ""]}]})
    same(
        text(stack.delivery["Outputs"]["CdnUrl"]["Value"]),
        ["if HasPublicUrl", "${PublicUrl}", ["if HasDomain", "https://${DomainName}", "https://${Distribution.DomainName}"]],
    )


@assertion(
    put("Parameters > AcceptedTypes > Default", "image/svg+xml=1MiB"),
    put(
        "Parameters > AcceptedTypes > Default",
        "image/jpeg=50MiB,image/png=50MiB,image/webp=50MiB,image/gif=50MiB,image/avif=50MiB,video/mp4=50GiB,video/webm=46GiB,video/quicktime=46GiB,application/pdf=200MiB",
    ),
    put("Parameters > AcceptedTypes > AllowedPattern", "^[a-z]+$"),
)
def the_accepted_types_fit_an_object(stack: Stack) -> None:
    units = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}
    parameter = stack.parent["Parameters"]["AcceptedTypes"]
    assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"]), "the default does not pass its own pattern"
    sizes = {kind: int(number) * units[unit] for kind, number, unit in re.findall(r"([^=,]+)=(\d+)(\w*)", parameter["Default"])}
    images, videos = ["jpeg", "png", "webp", "gif", "avif"], ["mp4", "webm", "quicktime"]
    same(set(sizes), {*(f"image/{i}" for i in images), *(f"video/{v}" for v in videos), "application/pdf"})
    assert max(sizes.values()) <= 50 * 1000**3, "CloudFront answers no plain GET with more than 50 GB, so a browser could not open such a file"


ONE_VARIANT = "wide-2x:1600x900:cover:webp:80"


@assertion(
    put("Parameters > ThumbnailVariants > Default", "small:200x200:fit:avif:85"),
    put("Parameters > ThumbnailVariants > Default", "large:2048x2048:fit:jpeg:85"),
    put("Parameters > ThumbnailVariants > AllowedPattern", "^\\S+$"),
    put("Parameters > ThumbnailVariants > AllowedPattern", "^[a-z]+:200x200:fit:jpeg:85$"),
)
def the_thumbnail_is_a_small_one_unless_others_are_listed(stack: Stack) -> None:
    parameter = stack.parent["Parameters"]["ThumbnailVariants"]
    same(parameter["Default"], "small:200x200:fit:jpeg:85")
    good = [parameter["Default"], ONE_VARIANT, f"{parameter['Default']},{ONE_VARIANT}", f"{parameter['Default']}, {ONE_VARIANT}", ",".join([ONE_VARIANT] * 8)]
    bad = ["", "small", "small:200:fit:jpeg:85", "Small:200x200:fit:jpeg:85", "-a:1x1:fit:jpeg:1", f"{'x' * 33}:1x1:fit:jpeg:1"]
    bad += [ONE_VARIANT.replace(*change) for change in [("1600", "0"), ("900", "16384"), ("cover", "fill"), ("webp", "png"), ("80", "0"), (":80", "")]]
    bad += [f"{ONE_VARIANT},", f"{ONE_VARIANT};{ONE_VARIANT}", ",".join([ONE_VARIANT] * 9), f"{ONE_VARIANT}\n"]
    for text, is_good in [*((text, True) for text in good), *((text, False) for text in bad)]:
        same((text, re.fullmatch(parameter["AllowedPattern"], text) is not None), (text, is_good))


@assertion(
    put("Parameters > MaxMegapixels > MaxValue", 500),
    put("Parameters > MaxMegapixels > MinValue", 0),
    put("Parameters > MaxMegapixels > Default", 200),
)
def images_are_decoded_up_to_a_size_that_fits_the_functions_memory(stack: Stack) -> None:
    parameter = stack.parent["Parameters"]["MaxMegapixels"]
    same([int(parameter[name]) for name in ("MinValue", "Default", "MaxValue")], [1, 50, 100])
