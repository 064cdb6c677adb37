"""Roles, with the policies that a program may write inside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from sandbox.provider.core.resource import canonical_json, retag, tag_list, tag_map
from sandbox.provider.core.values import Properties
from sandbox.provider.services.iam_common import IamResource, text_of
from sandbox.provider.services.refusals import Failure, arn, between

_PROPAGATION: Final = 120.0
"""Seconds in which what was detached may still seem to be attached: the genuine provider's own limit."""
_BUSY: Final = ("DeleteConflict",)


class Role(IamResource):
    """A role. Policies written inside it are all that it may have; left out, they are not looked at."""

    token = "aws:iam/role:Role"  # noqa: S105
    defaults: ClassVar = {"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"}
    also_computed = frozenset({"inlinePolicies", "managedPolicyArns", "namePrefix", "tagsAll"})
    unordered = frozenset({"inlinePolicies", "managedPolicyArns"})
    json_documents = frozenset({"assumeRolePolicy", "inlinePolicies[].policy"})
    write_only = frozenset({"forceDetachPolicies", "namePrefix"})
    state_only = frozenset({"forceDetachPolicies"})
    conflicts = (frozenset({"name", "namePrefix"}),)

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        return between(inputs, "maxSessionDuration", 3600, 43200) + arn(inputs, "permissionsBoundary")

    @classmethod
    def unknown_after(cls, changed: frozenset[str]) -> frozenset[str]:
        return frozenset({"tagsAll"}) if "tags" in changed else frozenset()

    def create(self, inputs: Properties) -> str:
        request = {
            theirs: inputs[ours]
            for ours, theirs in (("description", "Description"), ("permissionsBoundary", "PermissionsBoundary"))
            if inputs.get(ours)
        }
        if inputs.get("tags"):
            request["Tags"] = tag_list(inputs["tags"])
        name = str(inputs["name"])
        self.client.create_role(
            RoleName=name,
            Path=inputs["path"],
            AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
            MaxSessionDuration=inputs["maxSessionDuration"],
            **request,
        )
        self.call.made(name)
        self._set_inline(name, {}, _inline(inputs))
        self._set_attached(name, set(), set(inputs.get("managedPolicyArns") or ()))
        return name

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        answer = self.found(lambda: self.client.get_role(RoleName=resource_id))
        if answer is None:
            return None
        role = answer["Role"]
        known = {item.get("name"): item.get("policy") for item in state.get("inlinePolicies") or ()}
        tags = tag_map(role.get("Tags"))
        return {
            "id": resource_id,
            "name": role["RoleName"],
            "path": role["Path"],
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "assumeRolePolicy": text_of(role["AssumeRolePolicyDocument"], state.get("assumeRolePolicy")),
            "description": role.get("Description", ""),
            "maxSessionDuration": role.get("MaxSessionDuration"),
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "inlinePolicies": [
                {"name": name, "policy": self._inline_text(resource_id, name, known.get(name))}
                for name in sorted(self._inline_names(resource_id))
            ],
            "managedPolicyArns": sorted(self._attached(resource_id)),
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            retag(
                old,
                new,
                lambda removed: self.client.untag_role(RoleName=resource_id, TagKeys=removed),
                lambda added: self.client.tag_role(RoleName=resource_id, Tags=tag_list(added)),
            )
        if "assumeRolePolicy" in changed:
            self.client.update_assume_role_policy(RoleName=resource_id, PolicyDocument=new["assumeRolePolicy"])
        if changed & {"description", "maxSessionDuration"}:
            self.client.update_role(
                RoleName=resource_id,
                Description=new.get("description", ""),
                MaxSessionDuration=new["maxSessionDuration"],
            )
        if "permissionsBoundary" in changed:
            if new.get("permissionsBoundary"):
                boundary = new["permissionsBoundary"]
                self.client.put_role_permissions_boundary(RoleName=resource_id, PermissionsBoundary=boundary)
            else:
                self.client.delete_role_permissions_boundary(RoleName=resource_id)
        if "inlinePolicies" in changed:
            self._set_inline(resource_id, _inline(old), _inline(new))
        if "managedPolicyArns" in changed:
            before, after = old.get("managedPolicyArns") or (), new.get("managedPolicyArns") or ()
            self._set_attached(resource_id, set(before), set(after))

    def delete(self, resource_id: str, state: Properties) -> None:
        for profile in self.pages("list_instance_profiles_for_role", "InstanceProfiles", RoleName=resource_id):
            name = profile["InstanceProfileName"]
            self._try("remove_role_from_instance_profile", InstanceProfileName=name, RoleName=resource_id)
        force = bool(state.get("forceDetachPolicies"))
        # as the genuine provider: what the state does not know of is left to stop the deletion
        if force or state.get("managedPolicyArns"):
            self._set_attached(resource_id, set(self._attached(resource_id)), set())
        if force or state.get("inlinePolicies"):
            self._set_inline(resource_id, dict.fromkeys(self._inline_names(resource_id), ""), {})
        self.found(
            lambda: self.call.retry_on(
                _BUSY, lambda: self.client.delete_role(RoleName=resource_id), seconds=_PROPAGATION
            )
        )

    def _inline_names(self, role: str) -> list[str]:
        return self.pages("list_role_policies", "PolicyNames", RoleName=role)

    def _attached(self, role: str) -> list[str]:
        attached = self.pages("list_attached_role_policies", "AttachedPolicies", RoleName=role)
        return [item["PolicyArn"] for item in attached]

    def _inline_text(self, role: str, name: str, known: Any) -> str:
        return text_of(self.client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"], known)

    def _set_inline(self, role: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        for name in sorted(set(before) - set(after)):
            self._try("delete_role_policy", RoleName=role, PolicyName=name)
        for name, policy in sorted(after.items()):
            if name not in before or canonical_json(before[name]) != canonical_json(policy):
                self.client.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=policy)

    def _set_attached(self, role: str, before: set[str], after: set[str]) -> None:
        for policy in sorted(before - after):
            self._try("detach_role_policy", RoleName=role, PolicyArn=policy)
        for policy in sorted(after - before):
            self.client.attach_role_policy(RoleName=role, PolicyArn=policy)

    def _try(self, operation: str, **request: Any) -> None:
        self.found(lambda: getattr(self.client, operation)(**request))


def _inline(properties: Properties) -> dict[str, str]:
    """Inline policies by name; an empty one is how a program says that there shall be none."""
    return {item["name"]: item["policy"] for item in properties.get("inlinePolicies") or () if item.get("name")}
