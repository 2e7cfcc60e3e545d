/**
 * What the sessions of a data set are about: words, people and labels, the frequent ones first. A search finds common
 * words (in most texts), rarer ones, and code names, of which each is in about one text of ten thousand.
 */

import { zipf } from './random.js';

/** Drawn by Zipf's law, as words of any language are used: the first is in most texts, the last in about one of 100. */
const WORDS = `
customer order invoice payment account service user data page report change request system new error list field
address export import search price product team status date time message mail form filter table view button
notification approval contract delivery shipment return refund discount tax currency bank transfer balance limit
statement receipt cart checkout basket catalogue category stock warehouse supplier partner reseller branch region
country language translation locale time-zone calendar appointment reminder deadline schedule batch nightly job queue
worker retry timeout cache index database schema column migration archive retention deletion backup restore replica
audit trail log event history version revision draft publish preview template document attachment upload download
scan signature certificate encryption token session login logout password reset lockout registration consent privacy
cookie preference profile avatar role permission group delegate substitute owner member guest administrator operator
support ticket escalation priority queue-time agent chat call recording transcript survey feedback rating comment
review moderation spam fraud risk score rule threshold alert monitor dashboard chart metric forecast budget plan
target variance actual commission bonus payroll salary employee manager department cost-centre project task milestone
dependency estimate effort story epic backlog sprint release rollout feature flag experiment variant segment audience
campaign newsletter coupon voucher loyalty points tier reward gift card wallet subscription renewal cancellation trial
upgrade downgrade usage meter quota overage invoice-run dunning reminder-fee collection dispute chargeback settlement
clearing ledger journal posting accrual reconciliation closing quarter month year fiscal depreciation asset lease loan
mortgage interest instalment repayment collateral guarantee insurance policy premium claim damage assessor payout
beneficiary broker underwriting exclusion deductible coverage tariff consumption reading grid outage maintenance
technician route vehicle driver fuel toll parcel label carrier tracking customs declaration container vessel port
terminal berth crane pallet picking packing counting inspection quality defect recall batch-number serial expiry
allergen ingredient recipe nutrition allergy patient appointment-slot referral prescription dosage laboratory sample
result diagnosis ward admission discharge insurance-number course lecture enrolment grade examination timetable room
library loan-period fine catalogue-entry author publisher edition licence royalty playlist stream subtitle episode
bandwidth latency throughput failover region-switch firewall gateway proxy webhook callback payload endpoint pagination
cursor idempotency rate-limit sandbox staging blue-green canary rollback hotfix changelog deprecation sunset
accessibility contrast keyboard screen-reader responsive breakpoint animation tooltip wizard stepper breadcrumb
`
  .trim()
  .split(/\s+/);

const CODE_NAMES =
  'halcyon quetzal obsidian larkspur zephyr marzipan tungsten periwinkle bergamot kestrel'.split(' ');

/** How often a text names a code name. */
export const CODE_NAME_SHARE = 0.001;

const FIRST_NAMES =
  'alice bruno chen diana emil fatima georg hana ivan jana kofi lena marco nadia omar petra quentin rosa sven tara';
const LAST_NAMES = 'adler brandt costa dubois eriksen fischer garcia huber ito jansen';

/** Two hundred people: the busiest have sessions by the thousand, most have few. */
const USERS = FIRST_NAMES.split(' ').flatMap((first) =>
  LAST_NAMES.split(' ').map((last) => `${first}.${last}@example.com`),
);

export const COMMON_WORD = WORDS[0] as string;
export const SELDOM_WORD = WORDS.at(-10) as string;
export const RARE_WORD = CODE_NAMES[0] as string;
export const words = zipf([...new Set(WORDS)]);
export const codeNames = zipf(CODE_NAMES);
export const users = zipf(USERS);

/** Label keys with their values; the frequent ones first. */
export const LABELS = {
  team: zipf(['payments', 'checkout', 'logistics', 'identity', 'billing', 'search', 'platform', 'mobile']),
  repo: zipf(
    'shop-web shop-api ledger orders stock shipping accounts mailer reports admin gateway etl'.split(' '),
  ),
  priority: zipf(['medium', 'low', 'high', 'urgent']),
  quarter: zipf(['q1', 'q2', 'q3', 'q4']),
} as const;

export const JIRA_PROJECTS = zipf(['PAY', 'SHOP', 'LOG', 'IDM', 'BILL', 'PLAT']);
