/** What is noted when an operating process can work again. */
export const ENDS_AGAIN = 'Kills end again when their time is over.';
