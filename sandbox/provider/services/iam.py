"""Policies and who has them; roles are in ``iam_role``."""

from __future__ import annotations

from typing import ClassVar, Final

from sandbox.provider.core.resource import ResourceError, retag, tag_list, tag_map
from sandbox.provider.core.values import Properties
from sandbox.provider.services.iam_common import IamResource, text_of
from sandbox.provider.services.iam_role import Role
from sandbox.provider.services.refusals import Failure, arn, unsupported

_VERSIONS: Final = 5
"""Versions that a managed policy may have (IAM User Guide, "IAM and AWS STS quotas")."""


class RolePolicy(IamResource):
    """An inline policy of a role."""

    token = "aws:iam/rolePolicy:RolePolicy"  # noqa: S105
    also_computed = frozenset({"namePrefix"})
    json_documents = frozenset({"policy"})
    write_only = frozenset({"namePrefix"})
    conflicts = (frozenset({"name", "namePrefix"}),)

    def create(self, inputs: Properties) -> str:
        self._put(inputs["role"], inputs["name"], inputs["policy"])
        resource_id = f"{inputs['role']}:{inputs['name']}"
        self.call.made(resource_id)
        return resource_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        role, name = _pair(resource_id, ":")
        found = self.found(lambda: self.client.get_role_policy(RoleName=role, PolicyName=name))
        if found is None:
            return None
        policy = text_of(found["PolicyDocument"], state.get("policy"))
        return {"id": resource_id, "role": role, "name": name, "policy": policy}

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        del old, changed
        self._put(*_pair(resource_id, ":"), new["policy"])

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        role, name = _pair(resource_id, ":")
        self.found(lambda: self.client.delete_role_policy(RoleName=role, PolicyName=name))

    def _put(self, role: str, name: str, policy: str) -> None:
        self.client.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=policy)


class RolePolicyAttachment(IamResource):
    """A managed policy that a role has."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"  # noqa: S105
    updatable = False

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        return arn(inputs, "policyArn")

    def create(self, inputs: Properties) -> str:
        self.client.attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        resource_id = f"{inputs['role']}/{inputs['policyArn']}"
        self.call.made(resource_id)
        return resource_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        role, policy = _pair(resource_id, "/")
        attached = self.pages("list_attached_role_policies", "AttachedPolicies", RoleName=role)
        if policy not in {item["PolicyArn"] for item in attached}:
            return None
        return {"id": resource_id, "role": role, "policyArn": policy}

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        role, policy = _pair(resource_id, "/")
        self.found(lambda: self.client.detach_role_policy(RoleName=role, PolicyArn=policy))


class Policy(IamResource):
    """A managed policy."""

    token = "aws:iam/policy:Policy"  # noqa: S105
    defaults: ClassVar = {"path": "/"}
    also_computed = frozenset({"namePrefix", "tagsAll"})
    json_documents = frozenset({"policy"})
    write_only = frozenset({"namePrefix"})
    conflicts = (frozenset({"name", "namePrefix"}),)

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        return unsupported(inputs, ("delayAfterPolicyCreationInMs",))

    @classmethod
    def unknown_after(cls, changed: frozenset[str]) -> frozenset[str]:
        return frozenset({"tagsAll"}) if "tags" in changed else frozenset()

    def create(self, inputs: Properties) -> str:
        request = {"Description": inputs["description"]} if inputs.get("description") else {}
        if inputs.get("tags"):
            request["Tags"] = tag_list(inputs["tags"])
        made = self.client.create_policy(
            PolicyName=inputs["name"], Path=inputs["path"], PolicyDocument=inputs["policy"], **request
        )
        policy_arn = str(made["Policy"]["Arn"])
        self.call.made(policy_arn)
        return policy_arn

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        answer = self.found(lambda: self.client.get_policy(PolicyArn=resource_id))
        if answer is None:
            return None
        policy = answer["Policy"]
        version = self.client.get_policy_version(PolicyArn=resource_id, VersionId=policy["DefaultVersionId"])
        tags = tag_map(policy.get("Tags"))
        return {
            "id": resource_id,
            "arn": policy["Arn"],
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "policyId": policy["PolicyId"],
            "attachmentCount": policy.get("AttachmentCount"),
            "description": policy.get("Description", ""),
            "policy": text_of(version["PolicyVersion"]["Document"], state.get("policy")),
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            retag(
                old,
                new,
                lambda removed: self.client.untag_policy(PolicyArn=resource_id, TagKeys=removed),
                lambda added: self.client.tag_policy(PolicyArn=resource_id, Tags=tag_list(added)),
            )
        if "policy" in changed:
            versions = self.pages("list_policy_versions", "Versions", PolicyArn=resource_id)
            if len(versions) >= _VERSIONS:
                spare = [version for version in versions if not version["IsDefaultVersion"]]
                oldest = min(spare, key=lambda version: version["CreateDate"])["VersionId"]
                self.client.delete_policy_version(PolicyArn=resource_id, VersionId=oldest)
            made = self.client.create_policy_version(PolicyArn=resource_id, PolicyDocument=new["policy"])
            self.client.set_default_policy_version(PolicyArn=resource_id, VersionId=made["PolicyVersion"]["VersionId"])

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        for version in self.pages("list_policy_versions", "Versions", PolicyArn=resource_id):
            if not version["IsDefaultVersion"]:
                self.client.delete_policy_version(PolicyArn=resource_id, VersionId=version["VersionId"])
        self.found(lambda: self.client.delete_policy(PolicyArn=resource_id))


def _pair(resource_id: str, separator: str) -> tuple[str, str]:
    role, found, rest = resource_id.partition(separator)
    if not (role and found and rest):
        wanted = f"ROLE{separator}POLICY"
        raise ResourceError(f"the id {resource_id} has not the form {wanted}: give the role and the policy")
    return role, rest


KINDS: Final = (Role, RolePolicy, RolePolicyAttachment, Policy)
