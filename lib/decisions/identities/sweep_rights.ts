/** What course_sweep lists and removes beside what launches need. Without them it names what it could not list. */
export const sweepRights = [
  "ec2:DeleteNatGateway",
  "ec2:DeleteNetworkInterface",
  "ec2:DeleteSecurityGroup",
  "ec2:DeregisterImage",
  "ec2:ReleaseAddress",
  "elasticloadbalancing:DeleteLoadBalancer",
  "elasticloadbalancing:DescribeLoadBalancers",
  "elasticloadbalancing:DescribeTags",
  "iam:ListRoleTags",
  "iam:ListRoles",
  "logs:DeleteLogGroup",
  "logs:DescribeLogGroups",
  "logs:ListTagsForResource",
  "scheduler:ListSchedules",
]
