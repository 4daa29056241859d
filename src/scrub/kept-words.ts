/** Words that stay: what readers and readings lean on, and what says nothing of anybody. All in lower case. */

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/** Between the parts of Dutch names. They stay in names too. */
export const PREFIXES = words('van de der den ter ten te het in op aan bij voor uit la le du von zu el al en');

/** Of institutions and titles: not whose. */
export const GENERIC = words(`
  laboratorium laboratoria lab labs ziekenhuis huisarts huisartsen huisartsenpost praktijk huisartsenpraktijk diagnostiek centrum
  medisch medische klinisch klinische chemie microbiologie hematologie serologie pathologie afdeling stichting dokter
  arts dr drs prof mw mevr dhr heer mevrouw internist cardioloog verpleegkundige lis his noreply no reply postmaster
  mailer daemon uitslagen uitslag info edi hl7 zorgmail lifeline lms nl`);

/** Clinical words with a structure behind them: results, materials, times, and where to look further. */
const CLINICAL = words(`
  zie onder ook boven volgt bijlage brief uitslag uitslagen rapport resultaat opmerking commentaar advies conclusie
  pos neg positief negatief afwezig aanwezig niet geen wel mogelijk normaal afwijkend verhoogd verlaagd spoor sporen
  groei resistent gevoelig hemolyse hemolytisch lipemisch icterisch nuchter bepaald bepaling bepalen bloed serum plasma
  urine feces liquor sputum keel wond uur uren dag dagen week weken maand maanden jaar jaren mg ml mmol mol umol nmol
  pmol ug ng pg kg gram liter kve min sec datum tijd
  maandag dinsdag woensdag donderdag vrijdag zaterdag zondag mon tue wed thu fri sat sun
  een of met is om na tot als dan dat dit die er was zijn wordt werd kan`);

/** Names of segments, messages and other syntax, in the letters that they have on the wire. */
export const STRUCTURAL = words(`
  una unb unh unt unz unoa unob unoc uno medlab medrpt medvri medvry medspe medrad zkh pid pad blg art afd ara kop det
  ide opm sec bep opb nub opu com bsn msh fhs bhs bts fts obr obx orc nte spm pv1 oru nnnld nlminbiza vektis bgm dtm nad
  adr cta rff sts fca pna pdi spc inv rsl ftx rnd xml html body pre br utf iso http https www charset version encoding
  begin end pgp message mime`);

/** Who gives out numbers, as HL7 names them. */
export const AUTHORITIES = words('nlminbiza nnnld vektis');

export function isKeptWord(lower: string): boolean {
  return PREFIXES.has(lower) || CLINICAL.has(lower) || STRUCTURAL.has(lower) || GENERIC.has(lower);
}
