/** Asks moto, in the name of a request that came in or of the proxy itself. */
import { AwsFault, type AwsRequest, type Form, type Reply } from "./request.ts"
import { type Element, parseXml, textAt } from "./xml.ts"

export class MotoClient {
  #kept = new Map<string, Promise<Element>>()

  constructor(readonly endpoint: string) {}

  /** What launches ask of EC2 all the time and seldom changes, until `forget`. Not to be altered. */
  queryKept(region: string, action: string, fields: Record<string, string> = {}): Promise<Element> {
    const key = JSON.stringify([region, action, fields])
    const kept = this.#kept.get(key) ?? this.query("ec2", region, action, fields)
    this.#kept.set(key, kept)
    kept.catch(() => this.#kept.delete(key))
    return kept
  }

  forget(): void {
    this.#kept.clear()
  }

  /** Hands a request on as it is, or with another form. */
  async forward(request: AwsRequest, form?: Form): Promise<Reply> {
    const { host: _host, "content-length": _length, connection: _connection, ...headers } = request.headers
    const body = form === undefined ? request.body : form.toString()
    const response = await fetch(`${this.endpoint}${request.path}`, {
      method: request.method,
      headers: { ...headers, "accept-encoding": "identity" },
      ...(request.method === "GET" ? {} : { body }),
    })
    return this.#reply(response)
  }

  /** A query of the proxy's own; throws AwsFault where moto refuses. */
  async query(
    service: "ec2" | "iam",
    region: string,
    action: string,
    fields: Record<string, string> = {},
  ): Promise<Element> {
    const version = service === "ec2" ? "2016-11-15" : "2010-05-08"
    const response = await fetch(`${this.endpoint}/`, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: `AWS4-HMAC-SHA256 Credential=proxy/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: new URLSearchParams({ Action: action, Version: version, ...fields }).toString(),
    })
    return parsed(await this.#reply(response))
  }

  async #reply(response: Response): Promise<Reply> {
    const headers: Record<string, string> = {}
    for (const name of passedOn) {
      const value = response.headers.get(name)
      if (value !== null) headers[name] = value
    }
    return { status: response.status, headers, body: await response.text() }
  }
}

const passedOn = [
  ...["content-type", "x-amzn-requestid", "x-amzn-errortype", "etag", "last-modified"],
  ...["x-amz-version-id", "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"],
]

/** The document of moto's reply; throws its error as AwsFault. */
export function parsed(reply: Reply): Element {
  if (reply.status >= 500)
    throw new AwsFault("InternalError", `moto: ${reply.body.slice(0, 200)}`, reply.status)
  const document = parseXml(reply.body)
  if (reply.status < 300) return document
  for (const path of ["Errors/Error", "Error"]) {
    const code = textAt(document, `${path}/Code`)
    if (code !== "") throw new AwsFault(code, textAt(document, `${path}/Message`), reply.status)
  }
  throw new AwsFault("InternalError", reply.body.slice(0, 200), 500)
}
