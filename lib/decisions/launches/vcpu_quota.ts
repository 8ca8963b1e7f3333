/** The AWS account's vCPU quotas: one for each family of types and market, for all users of the account together. */
import type { Market } from "../../base/instance.ts"

export interface VcpuQuota {
  /** As Service Quotas lists it. */
  code: string
  /** `G and VT instances`. */
  name: string
}

/** https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html */
const families: [letters: RegExp, name: string, onDemand: string, spot: string][] = [
  [/^(g|gr|vt)\d/, "G and VT", "L-DB2E81BA", "L-3819A6DF"],
  [/^p[5-9]/, "P", "L-417A185B", "L-C4BD4855"],
  [/^p\d/, "P", "L-417A185B", "L-7212CCBC"],
  [/^inf\d/, "Inf", "L-1945791B", "L-B5D1601B"],
  [/^trn\d/, "Trn", "L-2C3B7624", "L-6B0D517C"],
  [/^dl\d/, "DL", "L-6E869C2A", "L-85EED4F7"],
  [/^f\d/, "F", "L-74FC7D96", "L-88CF9481"],
  [/^x\d/, "X", "L-7295265B", "L-E3A00192"],
  [/^(a|c|d|h|i|m|r|t|z|im|is)\d/, "Standard", "L-1216C47A", "L-34B43A08"],
]

/** Null for types whose quota is none of these (high memory, HPC, Mac): EC2 alone judges them. */
export function vcpuQuotaOf(instanceType: string, market: Market): VcpuQuota | null {
  const family = families.find(([letters]) => letters.test(instanceType))
  if (!family) return null
  const [, name, onDemand, spot] = family
  return market === "spot"
    ? { code: spot, name: `${name} Spot instances` }
    : { code: onDemand, name: `${name} instances` }
}

/** Instances of one type and market. */
export interface TypeCount {
  instanceType: string
  market: Market
  count: number
}

export interface VcpuFacts {
  /** Of the whole account, as far as the ledger knows. */
  running: readonly TypeCount[]
  /** Reserved, and not at AWS yet. */
  launching: readonly TypeCount[]
  /** By type; what is not in it is not counted: EC2 has the last word. */
  vcpus: ReadonlyMap<string, number>
  /** By code; what is not in it is not checked. */
  quotas: ReadonlyMap<string, number>
}

/** The arithmetic by which `asked` exceeds its quota; null where it fits, or nothing is known. */
export function objectionToVcpus(asked: TypeCount, facts: VcpuFacts): string | null {
  const quota = vcpuQuotaOf(asked.instanceType, asked.market)
  const most = quota === null ? undefined : facts.quotas.get(quota.code)
  const wanted = vcpusOf(asked, facts)
  if (quota === null || most === undefined || wanted === 0) return null
  const inQuota = (all: readonly TypeCount[]) =>
    all
      .filter(({ instanceType, market }) => vcpuQuotaOf(instanceType, market)?.code === quota.code)
      .reduce((sum, one) => sum + vcpusOf(one, facts), 0)
  const [running, launching] = [inQuota(facts.running), inQuota(facts.launching)]
  const sum = running + launching + wanted
  if (sum <= most) return null
  return `${running} vCPUs running + ${launching} launching + ${wanted} asked = ${sum}, quota of the AWS account for ${quota.name} ${most}; staff can ask AWS for more (Service Quotas, ${quota.code})`
}

function vcpusOf({ instanceType, count }: TypeCount, { vcpus }: VcpuFacts): number {
  return count * (vcpus.get(instanceType) ?? 0)
}
