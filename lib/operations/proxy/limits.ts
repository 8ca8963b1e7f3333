/** How much of anything one may take, and how long. Milliseconds and bytes. */

export interface ProxyLimits {
  /** Until a connection to a backend stands, name and TLS included. */
  connectMs: number
  /** Until a client's headers are complete. */
  requestHeadersMs: number
  /** Until a backend's headers are there, and between any two pieces in either direction afterwards. */
  idleMs: number
  /** Between two requests on a client's connection. */
  keepAliveMs: number
  clientConnections: number
  connectionsPerBackend: number
  headerBytes: number
  /** Decoded pages may be this many times larger than they came, once they are larger than `decodedFreeBytes`. */
  decodedRatio: number
  decodedFreeBytes: number
}

export const defaultLimits: ProxyLimits = {
  connectMs: 10_000,
  requestHeadersMs: 15_000,
  idleMs: 120_000,
  keepAliveMs: 75_000,
  clientConnections: 4096,
  connectionsPerBackend: 256,
  headerBytes: 32 * 1024,
  decodedRatio: 200,
  decodedFreeBytes: 4 * 2 ** 20,
}
