"""What CloudFront fetches, and what it tells a browser about it."""

from ..mutate import add, drop, put
from ..stack import Stack, text
from .assertion import assertion, same


def distribution(stack: Stack) -> dict:
    found, = stack.of_type("AWS::CloudFront::Distribution").values()
    return found["DistributionConfig"]


def behaviors(stack: Stack) -> list[dict]:
    return [distribution(stack)["DefaultCacheBehavior"], *distribution(stack)["CacheBehaviors"]]


@assertion(
    drop("Distribution > DistributionConfig > Origins > bucket > OriginAccessControlId"),
    put("OriginAccessControl > OriginAccessControlConfig > SigningBehavior", "never"),
    put("Distribution > DistributionConfig > Origins > bucket > DomainName", "elsewhere.example.com"),
    put("Delivery > Parameters > BucketName", "another"),
)
def cloudfront_signs_its_reads_of_this_bucket(stack: Stack) -> None:
    origin, = distribution(stack)["Origins"]
    same(
        text(origin),
        {
            "Id": "bucket",
            "DomainName": "${BucketDomainName}",
            "OriginAccessControlId": "${OriginAccessControl.Id}",
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        },
    )
    control = stack.properties("OriginAccessControl")["OriginAccessControlConfig"]
    same((control["OriginAccessControlOriginType"], control["SigningBehavior"], control["SigningProtocol"]), ("s3", "always", "sigv4"))
    handed_over = text(stack.properties("Delivery")["Parameters"])
    same((handed_over["BucketName"], handed_over["BucketDomainName"]), ("${Bucket}", "${Bucket.RegionalDomainName}"))


@assertion(
    put("Distribution > DistributionConfig > DefaultCacheBehavior > ViewerProtocolPolicy", "allow-all"),
    put("Distribution > DistributionConfig > CacheBehaviors > thumbnails/* > AllowedMethods", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]),
)
def every_path_is_read_only_over_https(stack: Stack) -> None:
    for behavior in behaviors(stack):
        where = behavior.get("PathPattern", "default")
        same((where, behavior["ViewerProtocolPolicy"]), (where, "redirect-to-https"))
        same((where, behavior["AllowedMethods"]), (where, ["GET", "HEAD"]))


@assertion(
    put("CachePolicy > CachePolicyConfig > ParametersInCacheKeyAndForwardedToOrigin > QueryStringsConfig", {"QueryStringBehavior": "all"}),
    put("CachePolicy > CachePolicyConfig > ParametersInCacheKeyAndForwardedToOrigin > CookiesConfig", {"CookieBehavior": "all"}),
    put("Distribution > DistributionConfig > DefaultCacheBehavior > CachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6"),
    add("Distribution > DistributionConfig > CacheBehaviors > thumbnails/* > OriginRequestPolicyId", "216adef6-5c7f-47e4-b989-5492eafa07d3"),
)
def query_strings_and_cookies_do_not_reach_the_bucket(stack: Stack) -> None:
    for behavior in behaviors(stack):
        same(text(behavior["CachePolicyId"]), "${CachePolicy}")
        assert "OriginRequestPolicyId" not in behavior, "an origin request policy forwards what the cache policy leaves out"
        assert "ForwardedValues" not in behavior
    forwarded = stack.properties("CachePolicy")["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"]
    same(forwarded["QueryStringsConfig"], {"QueryStringBehavior": "none"})
    same(forwarded["CookiesConfig"], {"CookieBehavior": "none"})
    same(forwarded["HeadersConfig"], {"HeaderBehavior": "none"})


@assertion(
    drop("Distribution > DistributionConfig > CustomErrorResponses"),
    drop("Distribution > DistributionConfig > CustomErrorResponses > 404"),
    put("Distribution > DistributionConfig > CustomErrorResponses > 403 > ErrorCachingMinTTL", 10),
)
def a_file_asked_for_too_early_is_not_refused_for_long(stack: Stack) -> None:
    kept = {error["ErrorCode"]: error.get("ErrorCachingMinTTL", 10) for error in distribution(stack).get("CustomErrorResponses", [])}
    for code in (403, 404):
        assert kept.get(code, 10) <= 1, f"a {code} is kept for {kept.get(code, 10)} s"


def custom_headers(stack: Stack, policy: str) -> dict[str, str]:
    items = stack.properties(policy)["ResponseHeadersPolicyConfig"]["CustomHeadersConfig"]["Items"]
    assert all(item["Override"] is True for item in items), f"{policy}: a stored header would win"
    return {item["Header"]: item["Value"] for item in items}


@assertion(
    put("Distribution > DistributionConfig > DefaultCacheBehavior > ResponseHeadersPolicyId", {"Ref": "ShowHeaders"}),
    drop("DownloadHeaders > ResponseHeadersPolicyConfig > CustomHeadersConfig > Items > Content-Disposition"),
    put("Distribution > DistributionConfig > CacheBehaviors > uploads/*.avif > PathPattern", "uploads/*"),
)
def a_browser_shows_images_and_saves_the_rest(stack: Stack) -> None:
    same(text(distribution(stack)["DefaultCacheBehavior"]["ResponseHeadersPolicyId"]), "${DownloadHeaders}")
    same(
        {behavior["PathPattern"]: text(behavior["ResponseHeadersPolicyId"]) for behavior in distribution(stack)["CacheBehaviors"]},
        dict.fromkeys(
            ["thumbnails/*", "uploads/*.jpg", "uploads/*.png", "uploads/*.webp", "uploads/*.gif", "uploads/*.avif"], "${ShowHeaders}"
        ),
    )
    same(custom_headers(stack, "DownloadHeaders").get("Content-Disposition"), "attachment")
    assert "Content-Disposition" not in custom_headers(stack, "ShowHeaders")


@assertion(
    drop("ShowHeaders > ResponseHeadersPolicyConfig > SecurityHeadersConfig > ContentTypeOptions"),
    put("DownloadHeaders > ResponseHeadersPolicyConfig > SecurityHeadersConfig > ContentSecurityPolicy > ContentSecurityPolicy", "default-src 'self'"),
    put("ShowHeaders > ResponseHeadersPolicyConfig > SecurityHeadersConfig > ContentSecurityPolicy > Override", False),
    put("ShowHeaders > ResponseHeadersPolicyConfig > SecurityHeadersConfig > StrictTransportSecurity > AccessControlMaxAgeSec", 300),
    drop("ShowHeaders > ResponseHeadersPolicyConfig > CustomHeadersConfig > Items > Cross-Origin-Resource-Policy"),
    put("ShowHeaders > ResponseHeadersPolicyConfig > SecurityHeadersConfig > ReferrerPolicy > ReferrerPolicy", "origin"),
)
def a_file_runs_nothing_in_a_browser(stack: Stack) -> None:
    for policy, properties in stack.of_type("AWS::CloudFront::ResponseHeadersPolicy").items():
        security = properties["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
        assert all(header["Override"] is True for header in security.values()), f"{policy}: a stored header would win"
        same((policy, "ContentTypeOptions" in security), (policy, True))
        same((policy, security["ContentSecurityPolicy"]["ContentSecurityPolicy"]), (policy, "default-src 'none'; sandbox"))
        same((policy, security["ReferrerPolicy"]["ReferrerPolicy"]), (policy, "no-referrer"))
        assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31536000, f"{policy}: HTTPS is remembered for too short"
        same((policy, custom_headers(stack, policy).get("Cross-Origin-Resource-Policy")), (policy, "cross-origin"))


@assertion(
    drop("ShowHeaders > ResponseHeadersPolicyConfig > CorsConfig"),
    put("DownloadHeaders > ResponseHeadersPolicyConfig > CorsConfig > AccessControlAllowOrigins", {"Items": ["https://app.example.com"]}),
    put("ShowHeaders > ResponseHeadersPolicyConfig > CorsConfig > AccessControlAllowCredentials", True),
    put("DownloadHeaders > ResponseHeadersPolicyConfig > CorsConfig > AccessControlAllowMethods", {"Items": ["ALL"]}),
    put("DownloadHeaders > ResponseHeadersPolicyConfig > CorsConfig > AccessControlExposeHeaders", {"Items": ["ETag"]}),
    put("ShowHeaders > ResponseHeadersPolicyConfig > CorsConfig > OriginOverride", False),
)
def a_page_of_any_origin_may_read_a_file_and_is_told_nothing_of_who_asks(stack: Stack) -> None:
    for policy, properties in stack.of_type("AWS::CloudFront::ResponseHeadersPolicy").items():
        same(
            (policy, properties["ResponseHeadersPolicyConfig"].get("CorsConfig")),
            (
                policy,
                {
                    "AccessControlAllowOrigins": {"Items": ["*"]},
                    "AccessControlAllowMethods": {"Items": ["GET", "HEAD"]},
                    "AccessControlAllowHeaders": {"Items": ["*"]},
                    "AccessControlAllowCredentials": False,
                    "AccessControlExposeHeaders": {"Items": ["ETag", "Content-Range", "Accept-Ranges", "Content-Length"]},
                    # The bucket's own rules are for putting files in, and name one origin.
                    "OriginOverride": True,
                },
            ),
        )


@assertion(
    put("Distribution > DistributionConfig > HttpVersion", "http1.1"),
    put("Distribution > DistributionConfig > CacheBehaviors > thumbnails/* > Compress", False),
)
def cloudfront_speaks_the_newest_protocols(stack: Stack) -> None:
    config = distribution(stack)
    same(config["HttpVersion"], "http2and3")
    assert config["Enabled"] is True and config["IPV6Enabled"] is True
    assert all(behavior["Compress"] is True for behavior in behaviors(stack))


@assertion(
    put("Distribution > DistributionConfig > ViewerCertificate > Fn::If > 1 > MinimumProtocolVersion", "TLSv1"),
    put("Distribution > DistributionConfig > ViewerCertificate > Fn::If > 1 > SslSupportMethod", "vip"),
    drop("Distribution > DistributionConfig > Aliases"),
    put("Delivery's Conditions > HasDomain", {"Fn::Equals": [{"Ref": "DomainName"}, ""]}),
)
def a_domain_of_ones_own_brings_its_certificate_and_tls_1_2(stack: Stack) -> None:
    config = distribution(stack)
    same(
        text(config["ViewerCertificate"]),
        [
            "if HasDomain",
            {"AcmCertificateArn": "${CertificateArn}", "SslSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"},
            {"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1.2_2021"},
        ],
    )
    same(text(config.get("Aliases")), ["if HasDomain", ["${DomainName}"], "${AWS::NoValue}"])
    for condition, parameter in (("HasDomain", "DomainName"), ("HasZone", "HostedZoneId"), ("HasWebAcl", "WebAclArn")):
        same(stack.delivery["Conditions"][condition], {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]})


@assertion(
    drop("DomainRecordIpv6 > Condition"),
    put("DomainRecord > AliasTarget > HostedZoneId", "Z0123456789"),
    put("DomainRecordIpv6 > Type", "AWS::Route53::HostedZone"),
    put("DomainRecord > Name", "files.example.com"),
)
def the_zone_points_the_domain_at_the_distribution(stack: Stack) -> None:
    records = {properties["Type"]: (logical_id, properties) for logical_id, properties in stack.of_type("AWS::Route53::RecordSet").items()}
    same(sorted(records), ["A", "AAAA"])
    for logical_id, record in records.values():
        same((logical_id, stack.resource(logical_id).get("Condition")), (logical_id, "HasZone"))
        same((text(record["HostedZoneId"]), text(record["Name"])), ("${HostedZoneId}", "${DomainName}"))
        same((record["AliasTarget"]["HostedZoneId"], text(record["AliasTarget"]["DNSName"])), ("Z2FDTNDATAQYW2", "${Distribution.DomainName}"))


@assertion(
    drop("Distribution > DistributionConfig > WebACLId"),
    drop("Delivery > Parameters > WebAclArn"),
    put("Delivery > Parameters > DomainName", ""),
)
def domain_and_firewall_reach_the_distribution(stack: Stack) -> None:
    same(text(distribution(stack).get("WebACLId")), ["if HasWebAcl", "${WebAclArn}", "${AWS::NoValue}"])
    handed_over = text(stack.properties("Delivery")["Parameters"])
    for name in ("DomainName", "CertificateArn", "HostedZoneId"):
        same((name, handed_over.get(name)), (name, f"${{Cdn{name}}}"))
    same(handed_over.get("WebAclArn"), "${WebAclArn}")
