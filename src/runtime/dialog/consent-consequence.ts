/** What a change of consent did to learning. */
export interface ConsentConsequence {
  /** A training job was running and was ended. */
  readonly isJobEnded: boolean;
  /** Version of the adapter that was in use and is set aside; null = none was. */
  readonly adapterSetAside: string | null;
  /** Version of the adapter that is in use again; null = none. */
  readonly adapterBack: string | null;
}

export const NO_CONSEQUENCE: ConsentConsequence = { isJobEnded: false, adapterSetAside: null, adapterBack: null };
