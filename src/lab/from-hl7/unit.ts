/** OBX-6: the unit, as `mmol/mol^mmol/mol^UCUM`, as plain `mmol/l`, or broken in two by its own exponent (`10^9/l`). */

import { componentsOf, fieldOf, type Hl7Segment } from '../../hl7/hl7.ts';
import { readUnit, type UnitReading } from '../codes/codes.ts';
import { type Context, componentOf, positionOf, said, warn, wholeText } from './context.ts';

/**
 * The unit of an OBX. Where its code and its text name two different units, neither is believed: the number then stays
 * text, since 48 of one unit is not 48 of another.
 */
export function unitOf(context: Context, obx: Hl7Segment): UnitReading {
  const field = fieldOf(obx, 6);
  const whole = said(wholeText(context, field));
  if (whole === null) return readUnit(null);
  const inOne = readUnit(whole);
  // An unescaped ^ inside a unit splits it: `10^9/l` would be the unit "10".
  const isSplitByExponent = /^(?:x\s*)?10\^/.test(whole);
  if (inOne.ucum !== null || isSplitByExponent) return inOne;
  const count = componentsOf(field, context.hl7Message.separators).length;
  const spellings = [1, 2, 4, 5]
    .filter((component) => component <= count)
    .flatMap((component) => componentOf(context, field, component) ?? [])
    .map(readUnit);
  const known = spellings.filter(({ ucum }) => ucum !== null);
  if (new Set(known.map(({ ucum }) => ucum)).size > 1) {
    warn(context, 'hl7.unit-contradictory', positionOf(obx, 6));
    return { text: whole, ucum: null, isMeasuringUnit: false };
  }
  return known[0] ?? spellings[0] ?? { text: whole, ucum: null, isMeasuringUnit: false };
}
