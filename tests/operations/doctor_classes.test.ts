/** What doctor advises where something fails: by the class of the failure, not by the check that met it. */
import { describe, expect, test } from "bun:test"
import { AwsError } from "../../lib/aws/protocol/errors.ts"
import { Failed, Refused } from "../../lib/base/errors.ts"
import { adviceOn, attachPolicy, makeRoom, storeWorkingKey } from "../../lib/operations/doctor/advice.ts"

const aws = (code: string, message = "no") => new AwsError("launch", `${message} (${code})`, code, false, "r")

describe("the class of a failure chooses the advice", () => {
  test.each<[string, Error, string | RegExp]>([
    ["UnauthorizedOperation", aws("UnauthorizedOperation"), attachPolicy],
    ["AccessDenied", aws("AccessDenied"), attachPolicy],
    ["AuthFailure", aws("AuthFailure"), storeWorkingKey],
    ["SignatureDoesNotMatch", aws("SignatureDoesNotMatch"), storeWorkingKey],
    ["Unreachable", aws("Unreachable"), /^let this host reach AWS/],
    ["Timeout", aws("Timeout"), /^let this host reach AWS/],
    ["ServiceFailure", aws("ServiceFailure"), /^wait: /],
    ["CertificateNotTrusted", aws("CertificateNotTrusted"), /ca_file/],
    ["RequestLimitExceeded", aws("RequestLimitExceeded"), "run doctor again in a minute"],
    ["RequestExpired", aws("RequestExpired"), /chrony/],
    ["InvalidAMIID.NotFound", aws("InvalidAMIID.NotFound"), /\[launch\] image/],
    [
      "InvalidParameterValue",
      aws("InvalidParameterValue", "Invalid value 't3.mcro' for InstanceType."),
      /instance_type/,
    ],
    ["VPCIdNotSpecified", aws("VPCIdNotSpecified", "No default VPC for this user"), /create-default-vpc/],
    [
      "MissingInput",
      aws("MissingInput", "No subnets found for the default VPC 'vpc-1'. Please specify a subnet."),
      /create-default-vpc/,
    ],
    ["InvalidSubnetID.NotFound", aws("InvalidSubnetID.NotFound"), /\[launch\] subnet/],
    ["VcpuLimitExceeded", aws("VcpuLimitExceeded"), /Service Quotas/],
    ["PendingVerification", aws("PendingVerification"), /AWS Support/],
    ["Refused price", new Refused("price", "none is known"), /refresh-prices/],
    ["Failed write", new Failed("write", "the disk is full"), makeRoom],
    ["ENOSPC", Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }), makeRoom],
    ["Failed anything", new Failed("anything", "else"), "otherwise"],
  ])("%s", (_, error, advice) => {
    expect(adviceOn(error, "otherwise")).toMatch(advice)
  })
})
