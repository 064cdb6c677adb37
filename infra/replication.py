"""Replication of this site's buckets to the peer's. Each site declares its own direction, so it goes both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam, s3

from infra.bucket import SafeBucket
from infra.component import Component
from infra.policies import Statement, document, trust
from infra.sites import Purpose, Site

REPLICATED = (Purpose.BACKUPS, Purpose.UPLOADS, Purpose.LOGS)
"""Not the records: each recovery writes its own in the region that is alive, and a lock is not to be overruled."""
TIME_CONTROL_MINUTES = 15
"""The only value that S3 knows (Amazon S3 API reference, ReplicationTimeValue)."""


@dataclass(frozen=True)
class ReplicationArgs:
    site: Site
    region: str
    buckets: Mapping[Purpose, SafeBucket]
    key_arn: pulumi.Input[str]
    peer_region: str
    peer_buckets: Mapping[Purpose, str]
    """Names of the destinations, as the peer published them: S3 refuses a rule whose destination does not exist."""
    peer_key_arn: str


class Replication(Component):
    """A replica is encrypted with the destination's own key, and is not replicated back; changes of a replica's
    metadata (tags, locks) are, so that a mark set on either side is seen on both. Only what is written after a rule
    exists is replicated."""

    def __init__(self, name: str, args: ReplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        role = iam.Role(
            f"{args.site}-replication",
            description=f"Replicates the {args.site} site's buckets to its peer's",
            # no condition on the source account: the S3 user guide's "Setting up permissions for live replication"
            # has none, and with one nothing would replicate, silently
            assume_role_policy=trust("s3.amazonaws.com"),
            opts=self.child(),
        )
        policy = iam.RolePolicy(f"{args.site}-replication", role=role.id, policy=_policy(args), opts=self.child())
        for purpose in REPLICATED:
            s3.BucketReplicationConfig(
                purpose.value,
                bucket=args.buckets[purpose].bucket_name,
                role=role.arn,
                rules=[_rule(args.peer_buckets[purpose], args.peer_key_arn)],
                opts=self.child(depends_on=[policy, args.buckets[purpose].versioning]),
            )
        self.register_outputs({})


def _rule(destination: str, key_arn: str) -> s3.BucketReplicationConfigRuleArgs:
    return s3.BucketReplicationConfigRuleArgs(
        id="everything-to-peer",
        status="Enabled",
        priority=1,
        filter=s3.BucketReplicationConfigRuleFilterArgs(),  # everything; its presence makes S3 take the newer rule form
        delete_marker_replication=s3.BucketReplicationConfigRuleDeleteMarkerReplicationArgs(status="Enabled"),
        source_selection_criteria=s3.BucketReplicationConfigRuleSourceSelectionCriteriaArgs(
            replica_modifications=s3.BucketReplicationConfigRuleSourceSelectionCriteriaReplicaModificationsArgs(
                status="Enabled"
            ),
            sse_kms_encrypted_objects=s3.BucketReplicationConfigRuleSourceSelectionCriteriaSseKmsEncryptedObjectsArgs(
                status="Enabled"
            ),
        ),
        destination=s3.BucketReplicationConfigRuleDestinationArgs(
            bucket=_bucket_arn(destination),
            encryption_configuration=s3.BucketReplicationConfigRuleDestinationEncryptionConfigurationArgs(
                replica_kms_key_id=key_arn
            ),
            replication_time=s3.BucketReplicationConfigRuleDestinationReplicationTimeArgs(
                status="Enabled",
                time=s3.BucketReplicationConfigRuleDestinationReplicationTimeTimeArgs(minutes=TIME_CONTROL_MINUTES),
            ),
            metrics=s3.BucketReplicationConfigRuleDestinationMetricsArgs(
                status="Enabled",
                event_threshold=s3.BucketReplicationConfigRuleDestinationMetricsEventThresholdArgs(
                    minutes=TIME_CONTROL_MINUTES
                ),
            ),
        ),
    )


def _policy(args: ReplicationArgs) -> pulumi.Output[str]:
    """What replication of encrypted objects needs and no more (Amazon S3 user guide, "Replicating encrypted objects").

    With bucket keys the encryption context is the bucket's ARN, not the object's.
    """
    sources = [args.buckets[purpose].bucket_name.apply(_bucket_arn) for purpose in REPLICATED]
    destinations = [_bucket_arn(args.peer_buckets[purpose]) for purpose in REPLICATED]
    return document(
        Statement(
            sid="ReadTheRules",
            actions=["s3:GetReplicationConfiguration", "s3:ListBucket"],
            resources=sources,
        ),
        Statement(
            sid="ReadTheObjects",
            actions=[
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
                "s3:GetObjectRetention",
                "s3:GetObjectLegalHold",
            ],
            resources=[source.apply(lambda arn: f"{arn}/*") for source in sources],
        ),
        Statement(
            sid="WriteTheReplicas",
            actions=["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
            resources=[f"{destination}/*" for destination in destinations],
        ),
        _key_use("ReadWithOwnKey", "kms:Decrypt", args.key_arn, args.region, sources),
        _key_use("WriteWithPeersKey", "kms:Encrypt", args.peer_key_arn, args.peer_region, destinations),
    )


def _key_use(
    sid: str, action: str, key_arn: pulumi.Input[str], region: str, buckets: Sequence[pulumi.Input[str]]
) -> Statement:
    return Statement(
        sid=sid,
        actions=[action],
        resources=[key_arn],
        conditions={
            "StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": buckets},
        },
    )


def _bucket_arn(name: str) -> str:
    return f"arn:aws:s3:::{name}"
