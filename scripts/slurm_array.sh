#!/bin/sh
# Extracts on many nodes, then trains and evaluates on one, e.g.  scripts/slurm_array.sh demo rgb_light,audio_light 8
#
# It submits an array of N equal jobs that share the chunks of videos by claims in the store, and a job that evaluates
# when all of them have ended well. An array job that is killed or preempted costs its chunk, which another one takes
# over; submit the script again to go on from what is done. All nodes must see the same project folder and store.
# Resources: SBATCH_EXTRACT and SBATCH_EVALUATE, as options of sbatch.
set -eu
test $# = 3 || { echo "usage: scripts/slurm_array.sh DATASET EXPERT[,EXPERT...] N" >&2; exit 2; }
dataset=$1 experts=$2 number=$3
luigi=${LUIGI:-.venv/bin/luigi}
mkdir -p data/slurm

# SLURM starts a copy of the command in each job of the array; it sets SLURM_ARRAY_TASK_ID, which nothing here needs.
# shellcheck disable=SC2086 # the options are several words
array=$(sbatch --parsable --array="1-$number" --requeue --output="data/slurm/%A_%a.txt" \
    ${SBATCH_EXTRACT:---cpus-per-task=8 --mem=16G --time=24:00:00} \
    --wrap "exec $luigi --module tasks ExtractExpert --dataset $dataset --expert $experts --Engine-name claims")
# shellcheck disable=SC2086
sbatch --dependency="afterok:${array%%;*}" --output="data/slurm/%j.txt" \
    ${SBATCH_EVALUATE:---cpus-per-task=8 --mem=32G --time=12:00:00} \
    --wrap "exec $luigi --module tasks EvaluateCE --dataset $dataset"
