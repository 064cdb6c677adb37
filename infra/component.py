"""What all components share: their token, their children's options, and the tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from infra.sites import Site


class Component(pulumi.ComponentResource):
    """A component of a site; its token is ``goliath:site:<class>``."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(f"goliath:site:{type(self).__name__}", name, {}, opts)

    def child(
        self,
        *,
        depends_on: Sequence[pulumi.Resource] = (),
        protect: bool | None = None,
        retain_on_delete: bool | None = None,
    ) -> pulumi.ResourceOptions:
        """The options of a child: the one place where parents are set."""
        return pulumi.ResourceOptions(
            parent=self, depends_on=list(depends_on), protect=protect, retain_on_delete=retain_on_delete
        )


def tagging(project: str, site: Site) -> pulumi.ResourceTransformation:
    """Tags on every resource below a component that can have them.

    There is no Role, Epoch or Generation tag: a failover would have to change every resource of the site, with calls
    to control planes (IAM's is in us-east-1) that may be gone just then.
    """
    common = {"Project": project, "Site": site.value, "ManagedBy": "Pulumi"}

    def add(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not is_taggable(type(args.resource)):
            return None
        props = dict(args.props)
        own = props.get("tags")
        props["tags"] = {
            **common,
            "Name": f"goliath-{site}-{args.name}",
            **(own if isinstance(own, Mapping) else {}),
        }
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    return add


def is_taggable(kind: type[pulumi.Resource]) -> bool:
    """The SDK's classes carry a ``tags`` property exactly where AWS has tags."""
    return isinstance(getattr(kind, "tags", None), property)
