/** List prices per hour in us-east-1 of what these tools do not make and a sweep finds; elsewhere they are estimates. */
import { microUsd } from "../../base/money.ts"

/** https://aws.amazon.com/vpc/pricing/ */
export const natGatewayMicroUsdPerHour = microUsd(0.045)
/** https://aws.amazon.com/elasticloadbalancing/pricing/: without capacity units. */
export const loadBalancerMicroUsdPerHour = microUsd(0.0225)
export const classicLoadBalancerMicroUsdPerHour = microUsd(0.025)
