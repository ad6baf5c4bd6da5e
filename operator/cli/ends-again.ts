/** What is noted when an operating process does all of its work again. */
export const ENDS_AGAIN = 'All goes on again: kills end when their time is over, and what else waits for this process.';
