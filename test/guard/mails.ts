/** Results of two kinds, whose every step is one effect. */
export const mails = (sent: number[]) => ({
  async *asyncGenerator() {
    for (let n = 1; ; n += 1) {
      sent.push(n);
      yield n;
    }
  },
  *generator() {
    for (let n = 1; ; n += 1) {
      sent.push(n);
      yield n;
    }
  },
});
