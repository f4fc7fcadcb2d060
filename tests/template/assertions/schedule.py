"""When the sweep runs, and what becomes of a run that fails."""

from ..mutate import add, drop, put
from ..stack import Stack, text
from .assertion import SWEEP, assertion, same


@assertion(
    put("SweepUploadsFunctionSchedule > State", "DISABLED"),
    put("SweepUploadsFunctionSchedule > ScheduleExpression", "rate(15 days)"),
    put("SweepUploadsFunctionSchedule > Targets > 0 > Arn", {"Fn::GetAtt": ["ConfirmUploadFunction", "Arn"]}),
    add("SweepUploadsFunctionSchedule > Targets", {"Id": "second", "Arn": {"Fn::GetAtt": ["SweepUploadsFunction", "Arn"]}}),
)
def the_sweep_runs_every_quarter_of_an_hour(stack: Stack) -> None:
    rule, = (rule for rule in stack.of_type("AWS::Events::Rule").values() if "ScheduleExpression" in rule)
    same((rule["ScheduleExpression"], rule["State"]), ("rate(15 minutes)", "ENABLED"))
    same([text(target["Arn"]) for target in rule["Targets"]], ["${SweepUploadsFunction.Arn}"])
    assert stack.functions()[SWEEP]["Timeout"] < 15 * 60, "two scheduled runs may overlap"


@assertion(
    drop("SweepUploadsFunctionSchedulePermission > SourceArn"),
    put("SweepUploadsFunctionSchedulePermission > FunctionName", {"Ref": "IssueUploadFunction"}),
    put("SweepUploadsFunctionSchedulePermission > Principal", "*"),
)
def the_schedule_alone_may_invoke_the_sweep(stack: Stack) -> None:
    permissions = stack.of_type("AWS::Lambda::Permission").values()
    same(
        [text(p) for p in permissions if p["FunctionName"] == {"Ref": "SweepUploadsFunction"} or p["Principal"] != "apigateway.amazonaws.com"],
        [
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": "${SweepUploadsFunction}",
                "Principal": "events.amazonaws.com",
                "SourceArn": "${SweepUploadsFunctionSchedule.Arn}",
            }
        ],
    )


@assertion(
    put("SweepUploadsFunctionEventInvokeConfig > MaximumRetryAttempts", 2),
    drop("SweepUploadsFunctionEventInvokeConfig > MaximumEventAgeInSeconds"),
)
def a_run_that_fails_is_left_to_the_next_one(stack: Stack) -> None:
    config, = stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    same(config["FunctionName"], {"Ref": "SweepUploadsFunction"})
    same((config.get("MaximumRetryAttempts"), config.get("MaximumEventAgeInSeconds")), (0, 900))
