"""What each function runs on, reads and writes its logs to."""

import re

from ..mutate import add, drop, put
from ..stack import PARAMETERS, ROOT, Stack, text
from .assertion import COMPANION, CONFIRM, FILES, ISSUE, PAGE, SWEEP, THUMBNAILS, assertion, same


# What Settings::policy reads.
POLICY = {"ACCEPTED_TYPES", "URL_LIFETIME_SECONDS", "GRANT_LIFETIME_SECONDS", "MULTIPART_LIFETIME_SECONDS"}
POLICY |= {"OWNER_MAX_FILES", "OWNER_MAX_BYTES", "OWNER_MAX_PENDING", "OWNER_GRANTS_PER_MINUTE"}


@assertion(
    drop("IssueUploadFunction > Environment > Variables > CDN_URL"),
    drop("CompanionFunction > Environment > Variables > MULTIPART_LIFETIME_SECONDS"),
    drop("IssueUploadFunction > Environment > Variables > OWNER_MAX_BYTES"),
    drop("CompanionFunction > Environment > Variables > OWNER_MAX_PENDING"),
    drop("ManageFilesFunction > Environment > Variables > DISTRIBUTION_ID"),
    add("GenerateThumbnailsFunction > Environment > Variables > CDN_URL", ""),
    drop("GenerateThumbnailsFunction > Environment > Variables > MAX_MEGAPIXELS"),
    drop("ServePageFunction > Environment > Variables > LOGIN_URL"),
)
def each_function_gets_the_variables_that_its_config_reads(stack: Stack) -> None:
    for binary, function in stack.functions().items():
        file = ROOT / "functions" / binary / "src" / "config.rs"
        assert file.is_file(), f"{file.relative_to(ROOT)} is missing"
        code = file.read_text().split("#[cfg(test)]")[0]
        read = set(re.findall(r'settings\.(?:text|optional|parse|flag|number|seconds)\(\s*"(\w+)"', code))
        if "settings.policy()" in code:
            read |= POLICY
        same((binary, set(function["Environment"]["Variables"])), (binary, read))


@assertion(
    put("ConfirmUploadFunction > Environment > Variables > TABLE", {"Ref": "Bucket"}),
    put("ManageFilesFunction > Environment > Variables > DISTRIBUTION_ID", ""),
    add("IssueUploadFunction > Environment > Variables > BUCKET_NAME", {"Ref": "Bucket"}),
    put("GenerateThumbnailsFunction > Environment > Variables > THUMBNAIL_VARIANTS", "small:200x200:fit:jpeg:85"),
    put("SweepUploadsFunction > Environment > Variables > QUEUE_URL", {"Ref": "ThumbnailDeadLetterQueue"}),
    put("SweepUploadsFunction > Environment > Variables > OBJECT_AGE_SECONDS", "0"),
    put("IssueUploadFunction > Environment > Variables > OWNER_MAX_FILES", {"Ref": "OwnerMaxPending"}),
    put("CompanionFunction > Environment > Variables > OWNER_GRANTS_PER_MINUTE", "0"),
    put("ServePageFunction > Environment > Variables > CLIENT_ID", {"Ref": "PageClientId"}),
    put("ConfirmUploadFunction > Environment > Variables > MALWARE_SCAN", "false"),
    put("GenerateThumbnailsFunction > Environment > Variables > MALWARE_SCAN > Fn::If > 0", "ScansWithGuardDuty"),
    put("ServePageFunction > Environment > Variables > API_BASE_URL", {"Ref": "PublicApiUrl"}),
)
def each_variable_has_its_value(stack: Stack) -> None:
    values = {
        "SERVICE": "${AWS::StackName}",
        "BUCKET": "${Bucket}",
        "BUCKET_OWNER": "${AWS::AccountId}",
        "TABLE": "${Table}",
        "CDN_URL": "${Delivery.Outputs.CdnUrl}",
        "API_URL": "${PublicApiUrl}",
        "DISTRIBUTION_ID": "${Delivery.Outputs.DistributionId}",
        "ACCEPTED_TYPES": "${AcceptedTypes}",
        "URL_LIFETIME_SECONDS": "${UrlLifetimeSeconds}",
        "GRANT_LIFETIME_SECONDS": "${GrantLifetimeSeconds}",
        "MULTIPART_LIFETIME_SECONDS": "${MultipartLifetimeSeconds}",
        "OWNER_MAX_FILES": "${OwnerMaxFiles}",
        "OWNER_MAX_BYTES": "${OwnerMaxBytes}",
        "OWNER_MAX_PENDING": "${OwnerMaxPending}",
        "OWNER_GRANTS_PER_MINUTE": "${OwnerGrantsPerMinute}",
        "THUMBNAIL_VARIANTS": "${ThumbnailVariants}",
        "MAX_MEGAPIXELS": "${MaxMegapixels}",
        "QUEUE_URL": "${ThumbnailQueue}",
        "GRACE_SECONDS": "3600",
        "OBJECT_AGE_SECONDS": "86400",
        "MULTIPART_AGE_SECONDS": "3600",
        "WALK_PAGES": "2",
        "MALWARE_SCAN": ["if ScansForMalware", "true", "false"],
        "API_BASE_URL": ["if HasPublicApiUrl", "${PublicApiUrl}", "${Api.ApiEndpoint}"],
        "BUCKET_URL": "https://${Bucket.RegionalDomainName}",
        "ISSUER": ["if MakesUserPool", "${SignInPool.Outputs.Issuer}", PARAMETERS["JwtIssuer"]],
        "CLIENT_ID": ["if MakesUserPool", "${SignInPool.Outputs.ClientId}", "${PageClientId}"],
        "AUDIENCE": PARAMETERS["JwtAudience"],
        "SCOPE": PARAMETERS["RequiredScope"],
        "LOGIN_URL": ["if MakesUserPool", "${SignInPool.Outputs.LoginUrl}", ""],
    }
    for binary, function in stack.functions().items():
        for name, value in function["Environment"]["Variables"].items():
            same((binary, name, text(value)), (binary, name, values.get(name)))


@assertion(
    put("IssueUploadFunction > Runtime", "provided.al2"),
    put("IssueUploadFunction > Handler", "main"),
    put("ConfirmUploadFunction > Architectures", ["x86_64"]),
    drop("GenerateThumbnailsFunction > TracingConfig > Mode"),
    put("Parameters > Architecture > Default", "x86_64"),
)
def each_function_is_a_traced_bootstrap_on_the_chosen_processor(stack: Stack) -> None:
    for binary, function in stack.functions().items():
        same((binary, function["Runtime"]), (binary, "provided.al2023"))
        same((binary, function["Handler"]), (binary, "bootstrap"))
        same((binary, text(function["Architectures"])), (binary, [PARAMETERS["Architecture"]]))
        same((binary, function["TracingConfig"]), (binary, {"Mode": "Active"}))
    same(stack.parent["Parameters"]["Architecture"]["Default"], "arm64")


@assertion(
    put("GenerateThumbnailsFunction > MemorySize", 512),
    put("IssueUploadFunction > Timeout", 3),
    put("ManageFilesFunction > MemorySize", 1769),
)
def each_function_has_the_memory_and_time_of_its_work(stack: Stack) -> None:
    same(
        {binary: (function["MemorySize"], function["Timeout"]) for binary, function in stack.functions().items()},
        {
            ISSUE: (256, 10),
            CONFIRM: (256, 29),
            FILES: (256, 20),
            THUMBNAILS: (1769, 60),
            SWEEP: (256, 300),
            COMPANION: (256, 29),
            PAGE: (256, 5),
        },
    )


@assertion(put("ConfirmUploadFunction > Timeout", 30))
def http_functions_answer_before_the_api_gives_up(stack: Stack) -> None:
    permissions = stack.of_type("AWS::Lambda::Permission").values()
    behind_http = {p["FunctionName"]["Ref"] for p in permissions if p["Principal"] == "apigateway.amazonaws.com"}
    for logical_id in behind_http:
        assert stack.properties(logical_id)["Timeout"] < 30, f"{logical_id} may run past the API's 30 seconds"


@assertion(
    put("ConfirmUploadFunction > LoggingConfig > LogGroup", {"Ref": "IssueUploadLogs"}),
    put("IssueUploadFunction > LoggingConfig > LogFormat", "Text"),
)
def each_function_writes_json_to_a_log_group_of_its_own(stack: Stack) -> None:
    groups = []
    for function in stack.functions().values():
        same(function["LoggingConfig"]["LogFormat"], "JSON")
        groups.append(function["LoggingConfig"]["LogGroup"]["Ref"])
    same(sorted([*groups, "ApiLogs", "FirewallLogs"]), sorted(stack.of_type("AWS::Logs::LogGroup")))


@assertion(
    drop("IssueUploadLogs > RetentionInDays"),
    put("ApiLogs > RetentionInDays", 3653),
)
def logs_are_kept_as_long_as_the_parameter_says(stack: Stack) -> None:
    for logical_id, group in stack.of_type("AWS::Logs::LogGroup").items():
        same((logical_id, group.get("RetentionInDays")), (logical_id, {"Ref": "LogRetentionDays"}))
