/** Why EC2 ended an instance, in words: most of these happen within seconds of its start. */
import type { Instance } from "../../base/instance.ts"

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html */
const reasons: Record<string, string> = {
  "Client.VolumeLimitExceeded":
    "the AWS account has no room for its volumes; staff must ask AWS for more EBS storage (Service Quotas)",
  "Client.InvalidSnapshot.NotFound":
    "a snapshot of its image is gone or may not be used; choose another image",
  "Client.InternalError":
    "its volumes could not be made, mostly since their KMS key may not be used; staff must let the account use its default EBS key",
  "Server.InternalError": "EC2 failed at its start; launch it again",
  "Server.InsufficientInstanceCapacity": "EC2 had no room for it; try another zone or type, or later",
  "Server.SpotInstanceTermination": "EC2 took its Spot capacity back",
  "Server.SpotInstanceShutdown": "EC2 took its Spot capacity back",
}

/** EC2's code with what it means and what to do, or else EC2's own words. */
export function whyEnded({
  stateReasonCode,
  stateTransitionReason,
}: Pick<Instance, "stateReasonCode" | "stateTransitionReason">): string {
  const known = reasons[stateReasonCode]
  if (known !== undefined) return `${known} (${stateReasonCode})`
  return stateReasonCode || stateTransitionReason || "AWS gives no reason"
}
