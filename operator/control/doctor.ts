import type { ControlPlane } from '../control-plane.ts';
import { diagnose } from '../doctor/index.ts';
import { examine } from '../doctor/examine.ts';
import { givenDoctor } from '../given/doctor.ts';
import type { Acting } from './acting.ts';

/** Whether what the switch promises can be relied on here. */
export const doctor = ({ opened }: Acting): Pick<ControlPlane, 'doctor'> => ({
  async doctor(options = {}) {
    const { flagd } = givenDoctor(options);
    const findings = diagnose(await examine(opened, flagd));
    return { safe: findings.every(({ level }) => level !== 'unsafe'), findings };
  },
});
