"""What is seen of a running stack: alarms and who is told, the dashboard, the saved queries."""

import json
import re

from ..mutate import add, drop, put
from ..rules import condition
from ..stack import Stack, text
from .assertion import assertion, same

ALARM = "AWS::CloudWatch::Alarm"
FUNCTIONS = ("IssueUpload", "ConfirmUpload", "ManageFiles", "GenerateThumbnails", "SweepUploads", "Companion", "ServePage")


@assertion(
    drop("DeadLetters > AlarmActions"),
    put("StuckUploads > OKActions", []),
    put("AlarmSubscription > Endpoint", "somebody@example.com"),
    put("Monitoring's Conditions > HasTopic", {"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}),
    drop("Monitoring > Parameters > AlarmEmail"),
)
def every_alarm_tells_who_wants_to_be_told(stack: Stack) -> None:
    both = [["if HasTopic", "${AlarmTopicArn}", "${AWS::NoValue}"], ["if HasEmail", "${AlarmTopic}", "${AWS::NoValue}"]]
    for name, alarm in stack.of_type(ALARM).items():
        same((name, text(alarm.get("AlarmActions"))), (name, both))
        same((name, text(alarm.get("OKActions"))), (name, both))
    for name, parameter in (("HasTopic", "AlarmTopicArn"), ("HasEmail", "AlarmEmail")):
        assert condition(stack.monitoring, name, {parameter: "given"}) and not condition(stack.monitoring, name, {})
        same((parameter, text(stack.properties("Monitoring")["Parameters"].get(parameter))), (parameter, f"${{{parameter}}}"))
    same(text(stack.properties("AlarmSubscription")), {"TopicArn": "${AlarmTopic}", "Protocol": "email", "Endpoint": "${AlarmEmail}"})


@assertion(
    put("DeadLetters > Dimensions > QueueName > Value", {"Ref": "QueueName"}),
    put("DeadLetters > Threshold", 10),
    put("OldestArrival > Statistic", "Minimum"),
    put("OldestArrival > Threshold", 60),
    put("ApiLatency > ExtendedStatistic", "p50"),
    put("StuckUploads > Namespace", "Uploads"),
    add("StuckUploads > Dimensions", {"Name": "Owner", "Value": "x"}),
    put("SweepBehind > MetricName", "SweepFailed"),
    put("UnscannedUploads > MetricName", "UploadsRejected"),
    add("UnscannedUploads > Dimensions", {"Name": "Reason", "Value": "unscannable"}),
    put("UnscannedUploads > Threshold", 0),
)
def each_alarm_looks_at_its_metric(stack: Stack) -> None:
    watched = {}
    for name, alarm in stack.of_type(ALARM).items():
        if "MetricName" in alarm and alarm["Namespace"] != "AWS/Lambda":
            by = {dimension["Name"]: text(dimension["Value"]) for dimension in alarm["Dimensions"]}
            statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
            watched[name] = (alarm["Namespace"], alarm["MetricName"], by, statistic, alarm["ComparisonOperator"], alarm["Threshold"])
    above = "GreaterThanThreshold"
    same(
        watched,
        {
            "DeadLetters": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "${DeadLetterQueueName}"}, "Maximum", above, 0),
            "OldestArrival": ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": "${QueueName}"}, "Maximum", above, 600),
            "ApiLatency": ("AWS/ApiGateway", "Latency", {"ApiId": "${ApiId}"}, "p99", above, 3000),
            "StuckUploads": ("Valet", "UploadsStuck", {"Service": "${ServiceName}"}, "Maximum", above, 0),
            "SweepBehind": ("Valet", "SweepTruncated", {"Service": "${ServiceName}"}, "Sum", above, 0),
            "UnscannedUploads": ("Valet", "UploadsUnscanned", {"Service": "${ServiceName}"}, "Sum", above, 2),
        },
    )
    hidden = stack.properties("ThumbnailQueue")["VisibilityTimeout"]
    assert stack.properties("OldestArrival")["Threshold"] > hidden, "a single retry sets off the alarm"


@assertion(
    put("ConfirmUploadThrottles > MetricName", "Errors"),
    put("GenerateThumbnailsErrors > Dimensions > FunctionName > Value", {"Ref": "IssueUpload"}),
    put("IssueUploadErrors > Statistic", "Average"),
    put("IssueUploadThrottles > Threshold", 100),
    put("ConfirmUploadErrors > Period", 86400),
    put("SweepUploadsErrors > Period", 300),
    put("ManageFilesThrottles > Dimensions > FunctionName > Value", {"Ref": "ConfirmUpload"}),
)
def errors_and_throttles_of_every_function_are_told(stack: Stack) -> None:
    for function in FUNCTIONS:
        for metric in ("Errors", "Throttles"):
            alarm = stack.properties(f"{function}{metric}")
            # Two of three: of the sweep's runs, which are a quarter of an hour apart.
            period = 900 if (function, metric) == ("SweepUploads", "Errors") else 300
            same((alarm["Namespace"], alarm["MetricName"], alarm["Statistic"], alarm["Period"]), ("AWS/Lambda", metric, "Sum", period))
            same(text(alarm["Dimensions"]), [{"Name": "FunctionName", "Value": f"${{{function}}}"}])
            same((alarm["ComparisonOperator"], alarm["Threshold"]), ("GreaterThanThreshold", 0))


@assertion(
    put("ApiServerErrors > Metrics > failed > MetricStat > Metric > MetricName", "4xx"),
    put("ApiServerErrors > Metrics > rate > Expression", "failed"),
    put("ApiServerErrors > Threshold", 50),
)
def more_than_one_failed_call_in_a_hundred_is_told(stack: Stack) -> None:
    alarm = stack.properties("ApiServerErrors")
    rate, failed, calls = alarm["Metrics"]
    same([m["MetricStat"]["Metric"]["MetricName"] for m in (failed, calls)], ["5xx", "Count"])
    assert "100 * failed / calls" in rate["Expression"]
    same((alarm["ComparisonOperator"], alarm["Threshold"]), ("GreaterThanThreshold", 1))


@assertion(
    put("SweepSilent > MetricName", "Errors"),
    put("SweepSilent > Dimensions > FunctionName > Value", {"Ref": "IssueUpload"}),
    put("SweepSilent > ComparisonOperator", "GreaterThanThreshold"),
    put("SweepSilent > Period", 300),
    put("SweepSilent > EvaluationPeriods", 1),
    put("SweepSilent > TreatMissingData", "notBreaching"),
    put("SweepBehind > Period", 300),
    put("SweepBehind > DatapointsToAlarm", 1),
    put("SweepUploadsFunctionSchedule > ScheduleExpression", "rate(30 minutes)"),
)
def a_sweep_that_does_not_run_or_never_ends_its_work_is_told(stack: Stack) -> None:
    minutes = int(re.fullmatch(r"rate\((\d+) minutes\)", stack.properties("SweepUploadsFunctionSchedule")["ScheduleExpression"])[1])
    silent, behind = stack.properties("SweepSilent"), stack.properties("SweepBehind")
    # A period is a run.
    same((silent["Period"], behind["Period"]), (minutes * 60, minutes * 60))
    same(text(silent["Dimensions"]), [{"Name": "FunctionName", "Value": "${SweepUploads}"}])
    same((silent["Namespace"], silent["MetricName"], silent["Statistic"]), ("AWS/Lambda", "Invocations", "Sum"))
    same((silent["ComparisonOperator"], silent["Threshold"], silent["TreatMissingData"]), ("LessThanThreshold", 1, "breaching"))
    same((silent["EvaluationPeriods"], silent.get("DatapointsToAlarm", 4)), (4, 4))
    same((behind["EvaluationPeriods"], behind["DatapointsToAlarm"]), (8, 6))


@assertion(
    put("StuckUploads > TreatMissingData", "breaching"),
    put("DeadLetters > AlarmName", {"Fn::Sub": "${ServiceName}-dlq"}),
    put("IssueUploadThrottles > AlarmDescription", "Throttled."),
)
def an_alarm_is_named_as_its_runbook_entry_and_quiet_without_data(stack: Stack) -> None:
    for name, alarm in stack.of_type(ALARM).items():
        # The sweep runs in an idle stack too.
        same((name, alarm.get("TreatMissingData")), (name, "breaching" if name == "SweepSilent" else "notBreaching"))
        same(text(alarm["AlarmName"]), f"${{ServiceName}}-{name}")
        assert alarm["AlarmDescription"].endswith(f"See docs/OPERATIONS.md, {name}."), f"{name} does not say where to read on"


@assertion(
    put("AlarmTopicPolicy > PolicyDocument > Statement > AlarmsTell > Action", ["sns:Publish", "sns:Subscribe"]),
    drop("AlarmTopicPolicy > PolicyDocument > Statement > AlarmsTell > Condition > StringEquals"),
    drop("AlarmTopicPolicy > PolicyDocument > Statement > DenyWithoutTls"),
)
def the_topic_takes_alarms_of_this_stack_over_tls(stack: Stack) -> None:
    statements = {statement["Sid"]: statement for statement in text(stack.properties("AlarmTopicPolicy")["PolicyDocument"]["Statement"])}
    same(sorted(statements), ["AlarmsTell", "DenyWithoutTls"])
    allowed, denied = statements["AlarmsTell"], statements["DenyWithoutTls"]
    same((allowed["Principal"], allowed["Action"]), ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish"))
    same(
        allowed["Condition"],
        {
            "ArnLike": {"aws:SourceArn": "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${ServiceName}-*"},
            "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"},
        },
    )
    same((denied["Effect"], denied["Principal"], denied["Condition"]), ("Deny", "*", {"Bool": {"aws:SecureTransport": "false"}}))


def widgets(stack: Stack) -> list[dict]:
    template, names = stack.properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    # As with every function, and a scanner.
    names = {name: value["Fn::If"][1] for name, value in names.items() if value["Fn::If"][0] in ("HasCompanion", "HasPage", "HasScanner")}
    return json.loads(text({"Fn::Sub": [template, names]}))["widgets"]


def valet_metrics(stack: Stack) -> dict[str, set[str]]:
    """Each metric of our own that is looked at somewhere, with the dimensions it is looked up by."""
    found = {alarm["MetricName"]: {d["Name"] for d in alarm["Dimensions"]} for alarm in stack.of_type(ALARM).values() if alarm.get("Namespace") == "Valet"}
    for widget in widgets(stack):
        for metric in widget["properties"].get("metrics", []):
            if metric[0] == "Valet":
                found[metric[1]] = {name for name in metric[2:-1:2] if isinstance(name, str)}
            elif isinstance(metric[0], dict):
                searched = re.fullmatch(r"SEARCH\('\{Valet,([\w,]+)\} MetricName=\"(\w+)\" Service=\"[^\"]+\"', 'Sum', 300\)", metric[0]["expression"])
                assert searched, f"{metric[0]['expression']} looks at every stack, or at nothing"
                found[searched[2]] = set(searched[1].split(","))
    return found


@assertion(
    put("Dashboard > DashboardBody > Fn::Sub > 0", '{"widgets": []}'),
    put("Dashboard > DashboardBody > Fn::Sub > 1 > CompanionAlarms > Fn::If > 1", ""),
    put("Dashboard > DashboardBody > Fn::Sub > 1 > ScannerAlarms > Fn::If > 1", ""),
    put("Dashboard > DashboardBody > Fn::Sub > 1 > ServePageAlarms > Fn::If > 1", ""),
    put("Dashboard > DashboardName", "valet"),
)
def the_dashboard_shows_every_alarm_and_every_metric(stack: Stack) -> None:
    alarms = [arn for widget in widgets(stack) if widget["type"] == "alarm" for arn in widget["properties"]["alarms"]]
    region = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}"
    same(sorted(alarms), sorted(f"{region}:alarm:${{ServiceName}}-{name}" for name in stack.of_type(ALARM)))
    service = {"Service"}
    same(
        valet_metrics(stack),
        {
            "UploadsIssued": service,
            "UploadsConfirmed": service,
            "UploadsRejected": {"Service", "Reason"},
            "BytesConfirmed": service,
            "ThumbnailsMade": service,
            "ThumbnailsFailed": service,
            "SettleLatency": service,
            "UploadsExpired": service,
            "SweepSettled": service,
            "SweepRequeued": service,
            "SweepAborted": service,
            "SweepRemoved": service,
            "UsageMended": service,
            "SweepFailed": service,
            "SweepTruncated": service,
            "UploadsStuck": service,
            "UploadsUnscanned": service,
            "ColdStarts": {"Service", "Function"},
        },
    )
    same(text(stack.properties("Dashboard")["DashboardName"]), "${ServiceName}-${AWS::Region}")


@assertion(
    put("FailuresQuery > LogGroupNames", {"Ref": "ApiLogs"}),
    put("Monitoring > Parameters > FunctionLogs > Fn::Join > 1 > 0", {"Fn::Join": [",", [{"Ref": "IssueUploadLogs"}, {"Ref": "ConfirmUploadLogs"}]]}),
    put("Monitoring > Parameters > FunctionLogs > Fn::Join > 1 > 1", ""),
    put("Monitoring > Parameters > FunctionLogs > Fn::Join > 1 > 2", ""),
    put("Monitoring > Parameters > ServePage > Fn::If > 1", {"Ref": "CompanionFunction"}),
    put("Monitoring > Parameters > DeadLetterQueueName", {"Fn::GetAtt": ["ThumbnailQueue", "QueueName"]}),
)
def queries_and_alarms_look_at_this_stack(stack: Stack) -> None:
    handed_over = dict(stack.properties("Monitoring")["Parameters"])
    separator, (always, with_uppy, with_page) = handed_over.pop("FunctionLogs")["Fn::Join"]
    same(separator, "")
    same(text(always), "${IssueUploadLogs},${ConfirmUploadLogs},${ManageFilesLogs},${GenerateThumbnailsLogs},${SweepUploadsLogs}")
    same(text(with_uppy), ["if ServesUppy", ",${CompanionLogs}", ""])
    same(text(with_page), ["if ServesPage", ",${ServePageLogs}", ""])
    handed_over = text(handed_over)
    same(
        {name: value for name, value in handed_over.items() if not name.startswith("Alarm")},
        {
            "ServiceName": "${AWS::StackName}",
            "ApiId": "${Api}",
            "IssueUpload": "${IssueUploadFunction}",
            "ConfirmUpload": "${ConfirmUploadFunction}",
            "ManageFiles": "${ManageFilesFunction}",
            "GenerateThumbnails": "${GenerateThumbnailsFunction}",
            "SweepUploads": "${SweepUploadsFunction}",
            "Companion": ["if ServesUppy", "${CompanionFunction}", ""],
            "ServePage": ["if ServesPage", "${ServePageFunction}", ""],
            "Scanned": ["if ScansForMalware", "true", "false"],
            "QueueName": "${ThumbnailQueue.QueueName}",
            "DeadLetterQueueName": "${ThumbnailDeadLetterQueue.QueueName}",
            "DistributionId": "${Delivery.Outputs.DistributionId}",
            "ApiLogs": "${ApiLogs}",
            "LocalEngine": "${LocalEngine}",
        },
    )
    for name, query in stack.of_type("AWS::Logs::QueryDefinition").items():
        expected = ["${ApiLogs}"] if name == "ApiRefusalsQuery" else "${FunctionLogs}"
        same((name, text(query["LogGroupNames"])), (name, expected))


@assertion(
    put("Parameters > LocalEngine > Default", "true"),
    drop("CrashesQuery > Condition"),
    add("StuckUploads > Condition", "OnAws"),
    put("Monitoring's Conditions > OnAws", {"Fn::Equals": [{"Ref": "LocalEngine"}, "true"]}),
    put("Sign-in's Conditions > OnAws", {"Fn::Equals": [{"Ref": "LocalEngine"}, "true"]}),
    add("Client > Condition", "OnAws"),
    drop("SignInPool > Parameters > LocalEngine"),
)
def nothing_is_left_out_but_on_the_local_engine(stack: Stack) -> None:
    same(stack.parent["Parameters"]["LocalEngine"]["Default"], "false")
    for template, nested in ((stack.monitoring, "Monitoring"), (stack.sign_in, "SignInPool")):
        assert condition(template, "OnAws", {"LocalEngine": "false"})
        same(stack.properties(nested)["Parameters"].get("LocalEngine"), {"Ref": "LocalEngine"})
    for name, resource in stack.sign_in["Resources"].items():
        same((name, resource.get("Condition")), (name, "OnAws" if name == "LoginPage" else None))
    for name, resource in stack.monitoring["Resources"].items():
        lacking = resource["Type"] == "AWS::Logs::QueryDefinition" or "Metrics" in resource["Properties"]
        if not name.startswith(("AlarmTopic", "Companion", "ServePage")) and name not in ("AlarmSubscription", "UnscannedUploads"):
            same((name, resource.get("Condition")), (name, "OnAws" if lacking else None))
