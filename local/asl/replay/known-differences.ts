/** Recorded cases that can't agree as they stand, each with its reason. Nothing else may differ. */
export const KNOWN_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  [
    'test_output.py::TestArgumentsBase::test_output_in_choice[CONDITION_TRUE]',
    'The recorded run had Output blocks ("Condition Output block"); the definition kept with it has Assign blocks in their place and no Output at all.',
  ],
])
