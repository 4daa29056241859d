/**
 * The names by which FHIR knows things (formats/fhir.md, "Systems"). Those under ZORGKOERIER are ours: names, not
 * addresses. They stand on every card, so changing one would orphan what was delivered under it.
 */

const NICTIZ = 'http://nictiz.nl/fhir/StructureDefinition';
const ZORGKOERIER = 'https://caresharing.nl/fhir/zorgkoerier';
const HL7 = 'http://hl7.org/fhir/StructureDefinition';

export const BSN_SYSTEM = 'http://fhir.nl/fhir/NamingSystem/bsn';
export const AGB_SYSTEM = 'http://fhir.nl/fhir/NamingSystem/agb-z';
export const NHG_45_SYSTEM = 'https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen';
export const LOINC_SYSTEM = 'http://loinc.org';
export const UCUM_SYSTEM = 'http://unitsofmeasure.org';
export const OBSERVATION_CATEGORY_SYSTEM = 'http://terminology.hl7.org/CodeSystem/observation-category';
export const INTERPRETATION_SYSTEM = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';
export const DATA_ABSENT_SYSTEM = 'http://terminology.hl7.org/CodeSystem/data-absent-reason';
export const DIAGNOSTIC_SERVICE_SYSTEM = 'http://terminology.hl7.org/CodeSystem/v2-0074';

/** "Edifact MEDLAB 1.0 … segment IDE field 2" (Nictiz-R4-zib2020). */
export const EDIFACT_REFERENCE_EXTENSION = `${NICTIZ}/ext-EdifactReferenceNumber`;
/** true: a copy of what was meant for somebody else. */
export const COPY_EXTENSION = `${NICTIZ}/ext-CopyIndicator`;

/** OBX-4, which of several isolates or parts a result belongs to (HL7 FHIR extensions pack; v2-to-FHIR, OBX). */
export const SUB_ID_EXTENSION = `${HL7}/observation-v2-subid`;

/** Parts of a Dutch surname, as extensions of HumanName.family (nl-core-NameInformation). */
export const OWN_NAME_EXTENSION = `${HL7}/humanname-own-name`;
export const OWN_PREFIX_EXTENSION = `${HL7}/humanname-own-prefix`;
export const PARTNER_NAME_EXTENSION = `${HL7}/humanname-partner-name`;
export const PARTNER_PREFIX_EXTENSION = `${HL7}/humanname-partner-prefix`;

/** Observation.identifier: the keyed digest of a result's key. */
export const RESULT_SYSTEM = `${ZORGKOERIER}/result`;
/** DiagnosticReport.identifier: the keyed digest of laboratory, lab number, year and order code. */
export const REPORT_SYSTEM = `${ZORGKOERIER}/report`;
/** Specimen.identifier: as the report's, within one patient. */
export const SPECIMEN_SYSTEM = `${ZORGKOERIER}/specimen`;
/** Organization.identifier of a laboratory whose AGB we do not know. */
export const LABORATORY_SYSTEM = `${ZORGKOERIER}/laboratory`;
/** Provenance: the mail and the report in our ledger, and what the sender called them. */
export const MAIL_SYSTEM = `${ZORGKOERIER}/mail`;
export const LEDGER_REPORT_SYSTEM = `${ZORGKOERIER}/ledger-report`;
/** Provenance of a retraction: the delivery in our ledger that was decided to take the number's place. */
export const DELIVERY_SYSTEM = `${ZORGKOERIER}/delivery`;
export const SENDER_REFERENCE_SYSTEM = `${ZORGKOERIER}/sender-reference`;

/** Quantity: the value as the laboratory wrote it (`5.10`), where a JSON number would lose digits. */
export const AS_SENT_EXTENSION = `${ZORGKOERIER}/as-sent`;
/** Observation: which version of the value a confirmation (OBX-11 = U) made final. */
export const CONFIRMED_EXTENSION = `${ZORGKOERIER}/confirmed-version`;
/** DiagnosticReport: one line of text each, so that lines of an earlier report survive a later one. */
export const COMMENT_EXTENSION = `${ZORGKOERIER}/comment`;

/** CapabilityStatement.url of the sandbox's servers: the only thing that makes a target a sandbox. */
export const SANDBOX_STATEMENT_URL = `${ZORGKOERIER}/sandbox-capability-statement`;
