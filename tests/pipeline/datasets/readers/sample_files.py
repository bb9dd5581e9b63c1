"""Writes small annotation files in the owners' formats, and gives short views of what the readers return."""

import csv
import json


def msrvtt(folder, num_train=6, num_val=2, num_test=4, captions=3):
    """Writes the two JSON files of the challenge: videos `video<i>` with captions "<i> says <k>".

    Two of them, one after the other, are of one video at YouTube: 0 to 11.72 s of it, and 12.5 to 24.22 s.
    """
    number = 0
    names = {"train": num_train, "validate": num_val, "test": num_test}
    files = {"train_val_videodatainfo.json": ("train", "validate"), "test_videodatainfo.json": ("test",)}
    for file, splits in files.items():
        videos, sentences = [], []
        for split in splits:
            for _ in range(names[split]):
                video = f"video{number}"
                address = f"https://www.youtube.com/watch?v={youtube_id(number)}"
                start_s = 12.5 * (number % 2)
                videos.append({"category": 9, "url": address, "video_id": video, "start time": start_s,
                               "end time": start_s + 11.72, "split": split, "id": number})  # fmt: skip
                sentences += [
                    {"caption": f"{number} says {k}", "video_id": video, "sen_id": 100 * number + k}
                    for k in range(captions)
                ]
                number += 1
        # In the real files the sentences of a video are not adjacent.
        sentences.sort(key=lambda sentence: sentence["sen_id"] % 100)
        write(folder, file, json.dumps({"info": {"year": "2016"}, "videos": videos, "sentences": sentences}))


def youtube_id(number):
    """Of the video that `video<number>` is cut from."""
    return f"-_aBcDe{number // 2:04}"


def jsfusion(folder, rows):
    with (folder / "MSRVTT_JSFUSION_test.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["key", "vid_key", "video_id", "sentence"])
        out.writerows((f"ret{i}", f"msr{i}", video, text) for i, (video, text) in enumerate(rows))


def lsmdc(folder, **splits):
    tables = {
        "train": "LSMDC16_annos_training.csv",
        "val": "LSMDC16_annos_val.csv",
        "test": "LSMDC16_challenge_1000_publictect.csv",
    }
    for split, table in tables.items():
        times = "\t".join(["00.00.51.926", "00.00.54.129", "00.00.51.426", "00.00.54.629"])
        write(folder, table, "".join(f"{clip}\t{times}\t{text}\n" for clip, text in splits[split]))


def lists(folder, **names):
    """Writes `<file>.txt` with one name per line, without a newline at the end."""
    for file, listed in names.items():
        write(folder, f"{file}.txt", "\n".join(listed))


def write(folder, name, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def by_split(annotations):
    return {
        split: [name for name, one in annotations.items() if one.split == split] for split in ("train", "val", "test")
    }


def texts(annotations, name):
    return [caption.text for caption in annotations[name].captions]
