/** Writes costs, prices and times for people. */

/** @import { Price, Usage } from "./types.js" */

const DAY_MS = 86_400_000;

/** Write an amount in USD; a small one with more digits. @param {number} amount */
export function writeAmount(amount) {
  return `$${amount.toFixed(amount < 0.1 && amount > 0 ? 4 : 2)}`;
}

/** Write a cost in USD; it is "about" so much by a list price. @param {Usage["cost"]} cost */
export function writeCost(cost) {
  const { total_cost: total, basis } = cost ?? {};
  if (typeof total !== "number") return null;
  return `${basis === "list_price" ? "about " : ""}${writeAmount(total)}`;
}

/** Write a price: the likely and the highest one. @param {Price} price */
export function writePrice({ likely, worst, basis }) {
  const about = `about ${writeAmount(likely)}`;
  if (basis === "estimate") return `${about}. It may cost more: not every step has a list price.`;
  return likely === worst ? `${about}.` : `${about}, at most ${writeAmount(worst)}.`;
}

/** Write a wait; a long one in minutes or hours. @param {number} seconds */
export function writeWait(seconds) {
  if (seconds >= 7200) return `${Math.ceil(seconds / 3600)} h`;
  if (seconds >= 120) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.ceil(seconds)} s`;
}

/** Write whole seconds; many of them with minutes or hours. @param {number} milliseconds */
export function writeSeconds(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** Write a time. @param {number} milliseconds */
export function writeTime(milliseconds) {
  if (milliseconds < 1000) return `${milliseconds} ms`;
  if (milliseconds >= 60_000) return writeSeconds(milliseconds);
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Write the time of a day. @param {Date} date */
export function writeClock(date) {
  return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** Write a day: today, yesterday, or its date. @param {Date} date */
export function writeDay(date) {
  const start = new Date();
  start.setHours(0, 0, 0, 0);
  const days = Math.ceil((start.getTime() - date.getTime()) / DAY_MS);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
}

/** Write a day and the time of it. @param {Date} date */
export function writeWhen(date) {
  return `${writeDay(date)}, ${writeClock(date)}`;
}
