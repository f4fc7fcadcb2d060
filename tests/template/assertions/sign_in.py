"""Whose tokens are taken: those of one's own issuer, or of the pool that is made."""

import re

from ..mutate import add, drop, put
from ..rules import condition, refusals
from ..stack import Stack, text
from .assertion import assertion, same

OWN = {"SignIn": "own-issuer", "JwtIssuer": "https://issuer.example.com", "JwtAudience": "valet", "CorsOrigin": "https://app.example.com"}
POOL = {"SignIn": "cognito", "CorsOrigin": "https://app.example.com"}


@assertion(
    drop("Rules > OwnIssuerIsNamed"),
    drop("Rules > OwnIssuerIsNamed > Assertions > 1"),
    put("Rules > PoolIsItsOwnIssuer > RuleCondition", {"Fn::Equals": [{"Ref": "SignIn"}, "pool"]}),
    drop("Rules > PoolIsItsOwnIssuer > Assertions > 2"),
    drop("Rules > PoolIsItsOwnIssuer > Assertions > 3"),
    put("Parameters > SignIn > Default", "cognito"),
)
def a_stack_that_would_trust_nobody_or_two_is_refused(stack: Stack) -> None:
    for right in (OWN, POOL):
        same(refusals(stack.parent, right), [])
    for wrong in (
        {"CorsOrigin": "https://app.example.com"},
        OWN | {"JwtIssuer": ""},
        OWN | {"JwtAudience": ""},
        POOL | {"JwtIssuer": "https://issuer.example.com"},
        POOL | {"JwtAudience": "valet"},
        POOL | {"RequiredScope": "other/scope"},
        POOL | {"PageClientId": "page"},
    ):
        assert refusals(stack.parent, wrong), f"{wrong} can be deployed"


@assertion(
    drop("Rules > DomainHasItsCertificate"),
    put("Rules > CertificateHasItsDomain > RuleCondition > Fn::Or", [{"Fn::Equals": [{"Ref": "CdnDomainName"}, "x"]}]),
)
def a_domain_without_certificate_or_the_reverse_is_refused(stack: Stack) -> None:
    certificate = "arn:aws:acm:us-east-1:111122223333:certificate/0f6d"
    domain = {"CdnDomainName": "files.example.com", "CdnCertificateArn": certificate}
    for right in (domain, domain | {"CdnHostedZoneId": "Z123"}):
        same(refusals(stack.parent, OWN | right), [])
    for wrong in ({"CdnDomainName": "files.example.com"}, {"CdnCertificateArn": certificate}, {"CdnHostedZoneId": "Z123"}):
        assert refusals(stack.parent, OWN | wrong), f"{wrong} can be deployed"


@assertion(
    drop("SignInPool > Condition"),
    put("Conditions > MakesUserPool", {"Fn::Equals": [{"Ref": "SignIn"}, "own-issuer"]}),
    drop("Outputs > SignInLoginUrl > Condition"),
)
def a_pool_is_made_only_when_asked_for(stack: Stack) -> None:
    same(stack.resource("SignInPool").get("Condition"), "MakesUserPool")
    assert condition(stack.parent, "MakesUserPool", POOL) and not condition(stack.parent, "MakesUserPool", OWN)
    for name, output in stack.parent["Outputs"].items():
        if name.startswith("SignIn"):
            same((name, output.get("Condition")), (name, "MakesUserPool"))


@assertion(
    drop("ResourceServer > Scopes > 0"),
    put("ResourceServer > Identifier", "files"),
    put("Client > AllowedOAuthScopes", ["openid"]),
    drop("Client > DependsOn"),
    put("Sign-in's Outputs > Issuer > Value", {"Fn::GetAtt": ["UserPool", "ProviderName"]}),
    put("Sign-in's Outputs > ClientId > Value", {"Ref": "UserPool"}),
)
def the_pools_client_can_ask_for_the_scope_and_is_the_audience(stack: Stack) -> None:
    server = stack.properties("ResourceServer")
    scopes = [f"{server['Identifier']}/{scope['ScopeName']}" for scope in server["Scopes"]]
    same(scopes, [stack.parent["Parameters"]["RequiredScope"]["Default"]])
    same(stack.properties("Client")["AllowedOAuthScopes"], ["openid", *scopes])
    outputs = text({name: output["Value"] for name, output in stack.sign_in["Outputs"].items()})
    same((outputs["Issuer"], outputs["ClientId"]), ("https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}", "${Client}"))
    # The client names the scope as a text: nothing else says that it must be there first.
    same(stack.resource("Client").get("DependsOn"), "ResourceServer")


@assertion(
    put("Client > AllowedOAuthFlows", ["code", "implicit"]),
    put("Client > GenerateSecret", True),
    add("Client > ExplicitAuthFlows", "ALLOW_USER_PASSWORD_AUTH"),
    put("Client > AllowedOAuthFlowsUserPoolClient", False),
    put("Client > CallbackURLs", ["https://*.example.com/"]),
    put("Client > AccessTokenValidity", 1440),
    drop("Client > PreventUserExistenceErrors"),
)
def the_client_is_public_and_takes_a_code(stack: Stack) -> None:
    client = stack.properties("Client")
    same((client["GenerateSecret"], client["AllowedOAuthFlowsUserPoolClient"], client["AllowedOAuthFlows"]), (False, True, ["code"]))
    same(sorted(client["ExplicitAuthFlows"]), ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"])
    addresses = ["${RedirectUrl}", ["if HasPage", "${PageUrl}", "${AWS::NoValue}"]]
    same((text(client["CallbackURLs"]), text(client["LogoutURLs"])), (addresses, addresses))
    same((client["AccessTokenValidity"], client["TokenValidityUnits"]["AccessToken"]), (60, "minutes"))
    same((client.get("PreventUserExistenceErrors"), client.get("EnableTokenRevocation")), ("ENABLED", True))


@assertion(
    drop("UserPool > DeletionPolicy"),
    put("UserPool > UpdateReplacePolicy", "Delete"),
    put("UserPool > DeletionProtection", "INACTIVE"),
    put("UserPool > Policies > PasswordPolicy > MinimumLength", 6),
    put("UserPool > AutoVerifiedAttributes", []),
    put("UserPool > AdminCreateUserConfig > AllowAdminCreateUserOnly > Fn::If > 1", False),
    put("Parameters > SelfSignUp > Default", "true"),
)
def accounts_are_kept_and_made_by_an_administrator_unless_said(stack: Stack) -> None:
    pool, resource = stack.properties("UserPool"), stack.resource("UserPool")
    same((resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"), pool["DeletionProtection"]), ("Retain", "Retain", "ACTIVE"))
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12
    same((pool["AutoVerifiedAttributes"], pool["UsernameAttributes"]), (["email"], ["email"]))
    same(text(pool["AdminCreateUserConfig"]), {"AllowAdminCreateUserOnly": ["if AdministratorsInvite", True, False]})
    assert condition(stack.sign_in, "AdministratorsInvite", {"SelfSignUp": stack.parent["Parameters"]["SelfSignUp"]["Default"]})


@assertion(
    put("LoginDomain > ManagedLoginVersion", 1),
    drop("LoginPage > UseCognitoProvidedValues"),
    put("SignInPool > Parameters > RedirectUrl > Fn::If > 2", {"Ref": "CorsOrigin"}),
    put("Sign-in's Parameters > RedirectUrl > AllowedPattern", ".+"),
    put("Sign-in's Parameters > PageUrl > AllowedPattern", ".*"),
    put("SignInPool > Parameters > PageUrl", {"Ref": "PublicPageUrl"}),
    put("Sign-in's Conditions > HasPage", {"Fn::Equals": [{"Ref": "PageUrl"}, ""]}),
)
def the_login_leads_back_to_the_page(stack: Stack) -> None:
    same(stack.properties("LoginDomain")["ManagedLoginVersion"], 2)
    assert stack.properties("LoginPage").get("UseCognitoProvidedValues") is True, "the login answers that it is not available"
    handed_over = text(stack.properties("SignInPool")["Parameters"])
    same(handed_over["RedirectUrl"], ["if HasRedirectUrl", "${SignInRedirectUrl}", "https://app.example.com/"])
    same(handed_over["PageUrl"], ["if ServesPage", ["if HasPublicPageUrl", "https://page.example.com/", "${PageApi.ApiEndpoint}/"], ""])
    assert condition(stack.sign_in, "HasPage", {"PageUrl": "https://page.example.com/"}) and not condition(stack.sign_in, "HasPage", {})
    for name in ("RedirectUrl", "PageUrl"):
        pattern = re.compile(stack.sign_in["Parameters"][name]["AllowedPattern"])
        for right in ("https://app.example.com/", "http://localhost:3000/"):
            assert pattern.search(right), f"{name}: {right} is refused"
        for wrong in ("http://app.example.com/", "https://*.example.com/", "http://localhost.example.com/"):
            assert not pattern.search(wrong), f"{name}: {wrong} is taken"
