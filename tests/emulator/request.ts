/** A request as AWS's services read it, and how each protocol words a reply and an error. */
import { type Content, type Element, element, writeXml } from "./xml.ts"

export interface AwsRequest {
  method: string
  /** With the query string. */
  path: string
  headers: Record<string, string>
  body: string
  /** From the signature's scope: `ec2`, `iam`. */
  service: string
  region: string
  accessKeyId: string
  /** `RunInstances`. */
  action: string
  /** The form of a query service, or the JSON of the others. */
  form: Form
  json: Record<string, unknown>
}

export interface Reply {
  status: number
  headers: Record<string, string>
  body: string
}

/** A service's refusal, worded by the protocol of the request that it answers. */
export class AwsFault extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message)
  }
}

/** The flattened lists and structures of a query request: `Filter.1.Value.2=running`. */
export class Form {
  constructor(readonly fields: [name: string, value: string][]) {}

  get(name: string): string | undefined {
    return this.fields.find(([key]) => key === name)?.[1]
  }

  /** `InstanceId.1`, `InstanceId.2` … in order. */
  list(name: string): string[] {
    return this.members(name).flatMap((member) => member.get("") ?? [])
  }

  /** The structures `TagSpecification.1.*` …, each as a form of its own. */
  members(name: string): Form[] {
    const found = new Map<number, [string, string][]>()
    for (const [key, value] of this.fields) {
      const match =
        key.startsWith(`${name}.`) && /^(?:member\.)?(\d+)(?:\.(.*))?$/.exec(key.slice(name.length + 1))
      if (!match) continue
      const index = Number(match[1])
      found.set(index, [...(found.get(index) ?? []), [match[2] ?? "", value]])
    }
    return [...found].sort(([a], [b]) => a - b).map(([, fields]) => new Form(fields))
  }

  with(changes: Record<string, string | null>): Form {
    const kept = this.fields.filter(([key]) => !(key in changes))
    return new Form([
      ...kept,
      ...Object.entries(changes).flatMap(([key, value]) =>
        value === null ? [] : [[key, value] as [string, string]],
      ),
    ])
  }

  /** Without the fields that begin so. */
  without(...prefixes: string[]): Form {
    return new Form(
      this.fields.filter(
        ([key]) => !prefixes.some((prefix) => key === prefix || key.startsWith(`${prefix}.`)),
      ),
    )
  }

  toString(): string {
    return new URLSearchParams(this.fields).toString()
  }
}

export function readRequest(
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string,
): AwsRequest {
  const [, accessKeyId = "", region = "us-east-1", service = ""] =
    /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? "") ?? []
  const isForm = (headers["content-type"] ?? "").includes("x-www-form-urlencoded")
  const form = new Form([...new URLSearchParams(isForm ? body : path.split("?")[1])])
  const target = headers["x-amz-target"]
  return {
    ...{ method, path, headers, body, service, region, accessKeyId, form },
    action: target?.split(".").at(-1) ?? form.get("Action") ?? `${method} ${path.split("?")[0]}`,
    json: isForm || body === "" ? {} : jsonOf(body),
  }
}

function jsonOf(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body)
  } catch {
    return {}
  }
}

let requests = 0

export function requestId(): string {
  requests += 1
  return `00000000-0000-4000-8000-${requests.toString(16).padStart(12, "0")}`
}

/** A reply of EC2's own dialect. */
export function ec2Reply(action: string, content: { [name: string]: Content | null | undefined }): Reply {
  const id = requestId()
  const body = writeXml(element("Response", { requestId: id, ...content })).slice(
    "<Response>".length,
    -"</Response>".length,
  )
  return xmlReply(
    200,
    id,
    `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${body}</${action}Response>`,
  )
}

/** A reply of the other query services, as IAM. */
export function queryReply(action: string, result: { [name: string]: Content | null | undefined }): Reply {
  const id = requestId()
  const content = writeXml(element(`${action}Result`, result))
  return xmlReply(
    200,
    id,
    `<${action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">${content}<ResponseMetadata><RequestId>${id}</RequestId></ResponseMetadata></${action}Response>`,
  )
}

export function jsonReply(value: unknown, status = 200, errorType?: string): Reply {
  return {
    status,
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amzn-requestid": requestId(),
      ...(errorType === undefined ? {} : { "x-amzn-errortype": errorType }),
    },
    body: JSON.stringify(value),
  }
}

export function faultReply(request: AwsRequest, fault: AwsFault): Reply {
  const id = requestId()
  const error: Element = element("Error", {
    Type: request.service === "ec2" ? null : "Sender",
    Code: fault.code,
    Message: fault.message,
  })
  if (request.service === "ec2") {
    return xmlReply(
      fault.status,
      id,
      `<Response><Errors>${writeXml(error)}</Errors><RequestID>${id}</RequestID></Response>`,
    )
  }
  if (request.service === "iam" || request.service === "sts") {
    return xmlReply(
      fault.status,
      id,
      `<ErrorResponse>${writeXml(error)}<RequestId>${id}</RequestId></ErrorResponse>`,
    )
  }
  if (request.service === "s3") return xmlReply(fault.status, id, writeXml(error))
  return jsonReply(
    { __type: fault.code, message: fault.message, Message: fault.message },
    fault.status,
    fault.code,
  )
}

function xmlReply(status: number, id: string, body: string): Reply {
  return {
    status,
    headers: { "content-type": "text/xml;charset=UTF-8", "x-amzn-requestid": id },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
  }
}
