(* The sizes of one head of VAR at 256 pixels.  Names stand for the numbers in proofs, as terms with the
   number 424 in every type are long. *)
From mathcomp Require Import ssreflect ssrbool ssrnat.

(* cached tokens, own tokens, channels of values beside the constant one *)
Definition cached256 : nat := 424.
Definition own256 : nat := 256.
Definition values256 : nat := 63.
(* letters of a payload along a frame; of Theorem C the coordinates of an address and of a payload *)
Definition letters256 : nat := 62.
Definition address256 : nat := 32.
Definition payload256 : nat := 31.
