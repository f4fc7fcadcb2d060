"""What must be true of the template, one sentence a function.

Each takes the expanded stack and raises AssertionError when its sentence is false, and carries the mutations that prove
it can. None may look at the source of the template: what SAM makes of it is what counts.
"""

from . import arrivals, bounds, bucket_policy, callers, delivery, edge, functions, malware, monitoring, page, permissions, schedule, shape, sign_in, storage, uppy
from .assertion import ASSERTIONS

__all__ = [
    "ASSERTIONS",
    "arrivals",
    "bounds",
    "bucket_policy",
    "callers",
    "delivery",
    "edge",
    "functions",
    "malware",
    "monitoring",
    "page",
    "permissions",
    "schedule",
    "shape",
    "sign_in",
    "storage",
    "uppy",
]
