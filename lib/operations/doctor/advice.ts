/** What to do about something that failed, by the class of the failure: a check only knows where it happened. */
import { AwsError, fault } from "../../aws/protocol/errors.ts"
import { isDiskFull, messageOf, Refused } from "../../base/errors.ts"

export const attachPolicy = "attach what setup --print-policy prints"
export const storeWorkingKey = "put a working key there: setup --store-key (docs/install.md)"
export const makeRoom = "make room: without it nothing can be recorded, so nothing launches"

const reachAws = "let this host reach AWS: see the network, and [aws] endpoint and proxy"
const fitting = "set [launch] image and instance_type to two that fit together and exist in the region"

/** By AWS's code and message; the first that matches. */
const byCode: readonly [code: RegExp, message: RegExp, advice: string][] = [
  [new RegExp(`^(${fault.unreachable}|${fault.timeout}|${fault.reset})$`), /./, reachAws],
  [new RegExp(`^${fault.failing}$`), /./, "wait: AWS's health page says whether a service is down"],
  [
    new RegExp(`^${fault.certificate}$`),
    /./,
    "set [aws] ca_file to the certificates of the proxy's authority",
  ],
  [/./, /is \[aws\] endpoint right/, "correct [aws] endpoint"],
  [new RegExp(`^${fault.garbled}$`), /./, "correct [aws] endpoint or proxy: something else than AWS answers"],
  [
    new RegExp(`^${fault.noCredentials}$`),
    /./,
    'give this host a role, or set [aws] credentials = "file" and run setup --store-key',
  ],
  [/^(RequestLimitExceeded|.*Throttl.*|TooManyRequests.*|SlowDown)$/, /./, "run doctor again in a minute"],
  [
    /^(RequestExpired|RequestTimeTooSkewed|RequestInTheFuture)$/,
    /./,
    "let chrony or ntpd set this host's clock",
  ],
  [
    /^(AuthFailure|InvalidClientTokenId|InvalidAccessKeyId|UnrecognizedClientException|SignatureDoesNotMatch|InvalidSignature.*|IncompleteSignature|Expired?Token.*)$/,
    /./,
    storeWorkingKey,
  ],
  [/^(UnauthorizedOperation|AccessDenied.*)$/, /./, attachPolicy],
  [/^InvalidAMIID/, /./, "set [launch] image to one that exists in the region"],
  [
    /^(InvalidInstanceType|Unsupported|InvalidParameterValue|InvalidParameterCombination)$/,
    /type|architecture/i,
    fitting,
  ],
  [
    /^(VPCIdNotSpecified|MissingInput|InvalidParameterValue|InvalidSubnet.*)$/,
    /default (VPC|subnet)|availability zone/i,
    "make a default VPC (aws ec2 create-default-vpc), or set [launch] subnet",
  ],
  [/^InvalidSubnet/, /./, "set [launch] subnet to one that exists in the region"],
  [
    /^(VcpuLimitExceeded|InstanceLimitExceeded|MaxSpotInstanceCountExceeded)$/,
    /./,
    "ask AWS for more at Service Quotas",
  ],
  [
    /^(OptInRequired|PendingVerification|Blocked)$/,
    /./,
    "wait for AWS to verify the account, or ask AWS Support",
  ],
]

/** Of what our own rules refuse, by the thing that they are about. */
const byRule: Record<string, string> = {
  image: "set [launch] image to one that the rules allow: it exists, [limits] images lists it",
  "instance type": "set [launch] instance_type to one that [limits] instance_types allows",
  subnet: "make a default VPC (aws ec2 create-default-vpc), or set [launch] subnet",
  "security group": "set [launch] security_groups to groups of that VPC",
  price: "run usage_cron --refresh-prices, or set [prices.on_demand]",
  volumes: "raise [launch] max_root_gib, or choose a smaller image",
  launch: "raise the limit or budget that the message names, or lower what one launch needs",
}

/** What to do; `otherwise` where neither AWS's code nor the operating system's says it. */
export function adviceOn(error: unknown, otherwise: string): string {
  if (isDiskFull(error)) return makeRoom
  if (error instanceof AwsError) {
    const message = messageOf(error)
    const found = byCode.find(([code, words]) => code.test(error.code) && words.test(message))
    return (
      found?.[2] ??
      (/^5|ServiceFailure|InternalError|Unavailable/.test(error.code) ? "run doctor again later" : otherwise)
    )
  }
  if (error instanceof Refused) return byRule[error.action] ?? otherwise
  return otherwise
}
