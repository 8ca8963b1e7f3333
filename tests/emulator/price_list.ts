/** The Price List's GetProducts for EC2, and Service Quotas' figures, in the documented JSON. */
import { onDemandMicroUsd, pricedTypes } from "./prices.ts"
import { AwsFault, type AwsRequest, jsonReply, type Reply } from "./request.ts"
import type { World } from "./world.ts"

interface GetProducts {
  ServiceCode?: string
  Filters?: { Type: string; Field: string; Value: string }[]
  MaxResults?: number
  NextToken?: string
}

/** Systems that a price list has, with their `operation` and what they add per hour for each type. */
const systems = [
  { operatingSystem: "Linux", operation: "RunInstances", extraMicroUsd: 0 },
  { operatingSystem: "Windows", operation: "RunInstances:0002", extraMicroUsd: 46_000 },
  { operatingSystem: "RHEL", operation: "RunInstances:0010", extraMicroUsd: 60_000 },
  { operatingSystem: "SUSE", operation: "RunInstances:000g", extraMicroUsd: 25_000 },
]

export function getProducts(world: World, request: AwsRequest): Reply {
  const asked = request.json as GetProducts
  if (asked.ServiceCode !== "AmazonEC2") throw new AwsFault("NotFoundException", "Service not found")
  const filters = asked.Filters ?? []
  const region = filters.find(({ Field }) => Field === "regionCode")?.Value ?? "us-east-1"
  const products = [...productsOf(region, world), ...storageOf(region, world)].filter(({ product }) =>
    filters.every(({ Field, Value }) =>
      Field === "productFamily"
        ? product.productFamily === Value
        : (product.attributes as Record<string, string>)[Field] === Value,
    ),
  )
  const size = Math.min(asked.MaxResults ?? 100, 100)
  const from = Number(asked.NextToken ?? 0)
  return jsonReply({
    FormatVersion: "aws_v1",
    PriceList: products.slice(from, from + size).map((product) => JSON.stringify(product)),
    ...(from + size < products.length ? { NextToken: String(from + size) } : {}),
  })
}

function productsOf(region: string, { clock, knobs }: World) {
  return pricedTypes().flatMap((type) =>
    systems.map(({ operatingSystem, operation, extraMicroUsd }) => {
      const sku = Bun.hash(`${type} ${operation} ${region}`).toString(36).toUpperCase().slice(0, 16)
      const [term, rate] = [`${sku}.JRTCKXETXF`, `${sku}.JRTCKXETXF.6YS6EN2CT7`]
      const price = (((onDemandMicroUsd(type) + extraMicroUsd) * knobs.listPriceFactor) / 1e6).toFixed(10)
      return {
        product: {
          productFamily: "Compute Instance",
          sku,
          attributes: {
            instanceType: type,
            regionCode: region,
            servicecode: "AmazonEC2",
            operatingSystem,
            operation,
            preInstalledSw: "NA",
            tenancy: "Shared",
            capacitystatus: "Used",
            licenseModel: "No License required",
            marketoption: "OnDemand",
          },
        },
        serviceCode: "AmazonEC2",
        terms: {
          OnDemand: {
            [term]: {
              sku,
              offerTermCode: "JRTCKXETXF",
              effectiveDate: new Date(clock.now()).toISOString(),
              termAttributes: {},
              priceDimensions: {
                [rate]: {
                  rateCode: rate,
                  unit: "Hrs",
                  beginRange: "0",
                  endRange: "Inf",
                  description: `$${price} per On Demand ${operatingSystem} ${type} Instance Hour`,
                  appliesTo: [],
                  pricePerUnit: { USD: price },
                },
              },
            },
          },
        },
        version: "20260720000000",
      }
    }),
  )
}

/** Storage, dearer by a tenth outside of us-east-1. */
function storageOf(region: string, { knobs }: World) {
  const factor = knobs.listPriceFactor * (region === "us-east-1" ? 1 : 1.1)
  const sold = [
    ["Storage", { volumeApiName: "gp3", usagetype: "EBS:VolumeUsage.gp3" }, "GB-Mo", 0.08],
    ["Storage", { volumeApiName: "gp2", usagetype: "EBS:VolumeUsage.gp2" }, "GB-Mo", 0.1],
    ["System Operation", { volumeApiName: "gp3", usagetype: "EBS:VolumeP-IOPS.gp3" }, "IOPS-Mo", 0.005],
    ["Provisioned Throughput", { volumeApiName: "gp3" }, "GiBps-mo", 40.96],
    ["Storage Snapshot", { usagetype: "USW2-EBS:SnapshotUsage" }, "GB-Mo", 0.05],
    ["Storage Snapshot", { usagetype: "USW2-EBS:SnapshotArchiveStorage" }, "GB-Mo", 0.0125],
  ] as const
  return sold.map(([productFamily, attributes, unit, usd], index) => {
    const sku = `STORAGE${index}`
    const USD = (usd * factor).toFixed(10)
    return {
      product: {
        productFamily,
        sku,
        attributes: { regionCode: region, servicecode: "AmazonEC2", ...attributes },
      },
      serviceCode: "AmazonEC2",
      terms: {
        OnDemand: {
          [`${sku}.T`]: {
            sku,
            priceDimensions: {
              [`${sku}.T.R`]: { unit, beginRange: "0", endRange: "Inf", pricePerUnit: { USD } },
            },
          },
        },
      },
    }
  })
}

export function serviceQuotas(world: World, request: AwsRequest): Reply | undefined {
  const quotas = [
    quota(
      "L-1216C47A",
      "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
      world.knobs.vcpus,
    ),
    quota("L-DB2E81BA", "Running On-Demand G and VT instances", world.knobs.gpuVcpus),
    quota(
      "L-34B43A08",
      "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
      world.knobs.spotVcpus,
    ),
  ]
  const { ServiceCode, QuotaCode } = request.json as { ServiceCode?: string; QuotaCode?: string }
  if (ServiceCode !== "ec2") return undefined
  if (request.action === "ListServiceQuotas") return jsonReply({ Quotas: quotas })
  const found = quotas.find((known) => known.QuotaCode === QuotaCode)
  if (!found) throw new AwsFault("NoSuchResourceException", "The quota does not exist.")
  return jsonReply({ Quota: found })
}

function quota(code: string, name: string, value: number) {
  return {
    ServiceCode: "ec2",
    QuotaCode: code,
    QuotaName: name,
    Value: value,
    Unit: "None",
    Adjustable: true,
    GlobalQuota: false,
  }
}
